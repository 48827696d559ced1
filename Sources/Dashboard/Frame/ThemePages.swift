import Gateway
import HTTPTypes
import Hummingbird
import Wire

/// The colours that somebody prefers to those of their system, kept in a cookie for a year.
enum Theme: String, Sendable, CaseIterable {
    case system, light, dark

    /// What the browser sent; ``system`` when there is nothing we know.
    init(_ request: Request) {
        let value = Cookies.values(Self.cookie, in: request.headers[values: .cookie]).first
        self = value.flatMap(Theme.init(rawValue:)) ?? .system
    }

    /// What the button in the head of each page leads to.
    var next: Theme {
        switch self {
        case .system: .light
        case .light: .dark
        case .dark: .system
        }
    }

    /// The cookie that says so.
    func field(isSecure: Bool) -> HTTPField {
        let age = self == .system ? 0 : 365 * 86_400
        let text = "\(Self.cookie)=\(rawValue); Path=/; HttpOnly; SameSite=Lax; Max-Age=\(age)"
        return HTTPField(name: .setCookie, value: isSecure ? text + "; Secure" : text)
    }

    private static let cookie = "httpsms-theme"
}

/// `POST /theme`: for anybody, signed in or not.
struct ThemePages: Sendable {
    func add(to group: RouterGroup<PageContext>) {
        group.post("/theme") { request, context in
            guard let theme = Theme(rawValue: context.form.text("theme")) else { throw PageError.notFound }
            var response = Response.seeOther(Self.back(request))
            response.headers.append(theme.field(isSecure: context.isSecure))
            return response
        }
    }

    /// The page that the form was on, as the browser tells it. Its host is that of the form, which was checked; only the
    /// path is used, so that nobody is led elsewhere.
    static func back(_ request: Request) -> String {
        guard let referrer = request.headers[.referer], let scheme = referrer.firstRange(of: "://") else { return "/" }
        return LocalPage.path(referrer[scheme.upperBound...].drop { $0 != "/" }) ?? "/"
    }
}
