import Foundation
import TestSupport
import Testing

/// The documentation in a real browser.
@Suite(.serialized, .timeLimit(.minutes(15))) struct DocumentationBrowserTests {
    @Test func everyPageOfItCanBeUsedByEverybody() async throws {
        try await withServer { server in
            try await withBrowser { browser in
                try await browser.open(server.baseURL + "/docs")
                let links = "[...document.querySelectorAll('a[href^=\"/docs/\"]')].map((a) => a.pathname)"
                let paths = try await browser.run("return [...new Set(\(links))]").array.map(\.string)
                #expect(paths.count > 20)
                // Half a minute for a thousand tables of one kind.
                let skipsReference = !isSoak
                for path in paths where path != "/docs/api" || !skipsReference {
                    try await browser.open(server.baseURL + path)
                    try await browser.inspect("docs-" + (path.split(separator: "/").last ?? ""), .desktopLight)
                }
            }
        }
    }
}
