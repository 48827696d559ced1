import Foundation
import Testing

extension Browser {
    /// What keeps people from using the page that is open, in the window and the colours of `look`, as axe-core finds it: rules of
    /// WCAG 2.2 AA and its best practices. A page that is wider than its window counts, too.
    package func barriers() async throws -> [String] {
        _ = try await command("/execute/sync", Axe.introduction.get())
        return try await run("return axe.run(document, \(Axe.options)).then(\(Axe.report))").array.map(\.string)
            + overflow()
    }

    /// The same for what depends on the width of the window and on the colours that the user prefers, in each of `Sight.all`; axe-core
    /// must have been there before. `then` is called in each of them.
    package func barriersElsewhere(_ then: (Sight) async throws -> Void = { _ in }) async throws -> [String] {
        var found: [String] = []
        for sight in Sight.all {
            try await see(sight)
            let colours = "return axe.run(document, \(Axe.colours)).then(\(Axe.report))"
            found += try await (run(colours).array.map(\.string) + overflow()).map { "\($0) at \(sight)" }
            try await then(sight)
        }
        try await restoreLook()
        return found
    }

    /// The width of a window in CSS pixels, and the colours that the user prefers.
    package struct Sight: Sendable, CustomStringConvertible {
        let width: Int
        let isDark: Bool

        package var description: String { "\(width)-\(isDark ? "dark" : "light")" }

        /// A small phone, a tablet and a desktop, each light and dark.
        static let all = [320, 768, 1_280].flatMap { width in
            [false, true].map { Sight(width: width, isDark: $0) }
        }
    }

    private func see(_ sight: Sight) async throws {
        let size: JSON = [
            "width": .int(sight.width), "height": 900, "deviceScaleFactor": 1, "mobile": false,
        ]
        _ = try await devTools("Emulation.setDeviceMetricsOverride", size)
        try await prefer(dark: sight.isDark)
    }

    private func overflow() async throws -> [String] {
        // Without the scroll bar, which the window has besides.
        let script = """
            const page = document.documentElement;
            return page.scrollWidth > page.clientWidth + 1 ? page.scrollWidth + " of " + page.clientWidth + " pixels" : "";
            """
        let found = try await run(script).string
        return found.isEmpty ? [] : ["the page is wider than the window: \(found)"]
    }
}

/// axe-core (https://github.com/dequelabs/axe-core), as a package of the tests' Python brings it.
private enum Axe {
    /// The command with which a page learns it, as bytes: half a megabyte is not written anew for each page. A driver's scripts are
    /// not bound by the page's content security policy.
    static let introduction = Result<[UInt8], any Error> {
        let interpreter = try #require(ProcessInfo.processInfo.environment["HTTPSMS_PYTHON"])
        let packages = URL(filePath: interpreter).deletingLastPathComponent().appending(path: "../lib").standardized
        let folders = try FileManager.default.contentsOfDirectory(at: packages, includingPropertiesForKeys: nil)
        let files = folders.map { $0.appending(path: "site-packages/axe_playwright_python/axe.min.js") }
        let file = try #require(files.first { FileManager.default.fileExists(atPath: $0.path) })
        let script = try String(contentsOf: file, encoding: .utf8)
        return Array(try JSONEncoder().encode(["script": JSON.string("if (!window.axe) {\(script)}"), "args": []]))
    }

    /// Each element that breaks a rule, once a rule.
    static let report = #"""
        ({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map((node) =>
          `${id}: ${node.html.slice(0, 160)} ${[...node.any, ...node.all, ...node.none].map((check) => check.message).join(" ")}`))
        """#

    static let options = #"""
        { resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }
        """#

    static let colours = #"{ resultTypes: ["violations"], runOnly: { type: "rule", values: ["color-contrast"] } }"#
}
