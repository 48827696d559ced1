import Gateway
import Hummingbird
import Secrets
import Wire

/// The style sheet, the script and the icon, under names that change with their content, so that browsers may keep them.
struct PageAssets: Sendable {
    private struct Asset {
        let path: String
        let answer: StaticAnswer

        init(_ name: String, _ type: String, _ bytes: [UInt8]) {
            path = "/assets/\(SHA256Digest.bytes(of: bytes).prefix(8).hexadecimal)/\(name)"
            answer = StaticAnswer(bytes, type)
        }
    }

    private static let css = Asset("dashboard.css", "text/css; charset=utf-8", PackageResources.dashboard_css)
    private static let script = Asset("dashboard.js", "text/javascript; charset=utf-8", PackageResources.dashboard_js)
    private static let icon = Asset("icon.svg", "image/svg+xml", PackageResources.icon_svg)

    /// Where each is found.
    static let cssPath = css.path
    static let scriptPath = script.path
    static let iconPath = icon.path

    /// Adds the place where browsers look for an icon without being told, and where the documentation's pages say it is. No
    /// session is read for it.
    func addIcon(to router: Router<APIContext>) {
        router.get("/favicon.ico") { _, _ in Response.redirect(to: Self.iconPath, type: .normal) }
    }

    func add(to group: RouterGroup<PageContext>) {
        group.get("/assets/:digest/:name") { request, _ in
            guard let asset = [Self.css, Self.script, Self.icon].first(where: { $0.path == request.uri.path }) else {
                throw PageError.notFound
            }
            return asset.answer.response(to: request, keep: "public, max-age=31536000, immutable")
        }
    }
}
