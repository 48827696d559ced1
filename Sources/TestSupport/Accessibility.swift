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

    /// The same for what depends on the width of the window, at each of `widths`, and on the colours that the user prefers, in the
    /// others; axe-core must have been there before. `then` is called for each, with its name.
    package func barriersElsewhere(_ then: (String) async throws -> Void = { _ in }) async throws -> [String] {
        var found: [String] = []
        for isDark in [false, true] {
            try await prefer(dark: isDark)
            let colours = "return axe.run(document, \(Axe.colours)).then(\(Axe.report))"
            if isDark != isOfDarkColours { found += try await run(colours).array.map(\.string) }
            for width in Self.widths {
                let name = "\(width)-\(isDark ? "dark" : "light")"
                let size: JSON = ["width": .int(width), "height": 900, "deviceScaleFactor": 1, "mobile": false]
                _ = try await devTools("Emulation.setDeviceMetricsOverride", size)
                found += try await overflow().map { "\($0) at \(name)" }
                try await then(name)
            }
        }
        try await restoreLook()
        return found
    }

    /// Of windows, in CSS pixels: a small phone, a tablet and a desktop.
    private static let widths = [320, 768, 1_280]

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
