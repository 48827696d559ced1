import Foundation
import TestSupport
import Testing

@testable import Gateway

/// The documentation that the binary carries is what `docs/` has, and its links lead somewhere.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct DocumentationTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs")
        .standardized

    @Test func everyPageIsCarriedAsItIs() throws {
        let files = try FileManager.default.contentsOfDirectory(at: Self.folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "md" }

        let pages = Dictionary(uniqueKeysWithValues: Document.pages.map { ($0.name, $0.text) })

        #expect(pages.keys.sorted() == files.map(\.lastPathComponent).sorted())
        for file in files { #expect(try pages[file.lastPathComponent] == String(contentsOf: file, encoding: .utf8)) }
    }

    @Test func everyLinkOfEveryPageLeadsToAnAnchorThatExists() throws {
        var pages: [String: String] = [:]
        for page in Document.pages {
            pages["/docs/\(page.slug)"] = Markdown.html(page.text, address: DocumentationRoutes.address)
        }
        for (address, html) in pages {
            for link in html.matches(of: /href="([^"]*)"/).map({ String($0.output.1) }) where !link.hasPrefix("http") {
                let parts = link.split(separator: "#", omittingEmptySubsequences: false)
                let path = parts[0].isEmpty ? address : String(parts[0])
                if parts.count == 2 {
                    #expect(pages[path]?.contains("<a id=\"\(parts[1])\"></a>") == true, "\(address) links \(link)")
                } else {
                    #expect(
                        pages[path] != nil || Document.all.contains { "/docs/\($0.name)" == path },
                        "\(address) links \(link)")
                }
            }
        }
    }

    @Test func everyLinkOfServedMarkdownLeadsToWhatIsServed() throws {
        let addresses = Set(Document.all.map { "/docs/\($0.name)" })
        var count = 0
        for page in Document.pages {
            let text = DocumentationRoutes.served(page).replacing(/(?s)```.*?```/, with: "")
            for link in text.matches(of: /\]\(([^)\s]+)\)/).map({ String($0.output.1) }) {
                guard !link.hasPrefix("http"), !link.hasPrefix("#") else { continue }
                #expect(addresses.contains(String(link.prefix { $0 != "#" })), "\(page.name) links \(link)")
                count += 1
            }
        }
        #expect(count > 50)
    }

    @Test func codeInServedMarkdownStaysAsItIs() {
        let page = Document(
            name: "x.md", text: "[a](webhooks.md#order) ![b](../gone.png) [c](#d)\n```\n[e](webhooks.md)\n```\n")

        #expect(
            DocumentationRoutes.served(page)
                == "[a](/docs/webhooks.md#order) b [c](#d)\n```\n[e](webhooks.md)\n```\n")
    }

    @Test(arguments: [
        ("webhooks.md#order", "/docs/webhooks#order"), ("#order", "#order"),
        ("examples/nginx.conf", "/docs/nginx.conf"),
        ("https://example.com/x.md", "https://example.com/x.md"), ("../Dockerfile", nil), ("", nil),
    ])
    func linksOfTheFolderLeadToTheSamePage(link: String, address: String?) {
        #expect(DocumentationRoutes.address(link) == address)
    }

    @Test func eachPageIsInOneGroup() async throws {
        #expect(Document.groups.flatMap(\.pages).map(\.name) == Document.pages.map(\.name))
        #expect(Document.groups.count == 4 && Document.groups.allSatisfy { (3...12).contains($0.pages.count) })
        try await withServer { server in
            let index = try await server.client.get("/docs").text
            let list = try await server.client.get("/llms.txt").text
            let page = try await server.client.get("/docs/phones").text
            for group in Document.groups {
                #expect(index.contains("<h2>\(group.title)</h2>") && list.contains("## \(group.title)\n"))
                #expect(page.contains("<li>\(group.title)\n<ul>"))
            }
        }
    }

    @Test func whatProgramsLookForAtTheRootIsThere() async throws {
        try await withServer { server in
            let whole = try await server.client.send("GET", "/llms-full.txt")
            for page in Document.pages { #expect(whole.text.contains("# \(page.title)\n"), "\(page.name)") }
            #expect(try await server.client.send("GET", "/robots.txt").text.contains("Disallow: /\n"))
            // The client follows to where they are.
            #expect(try await server.client.send("GET", "/openapi.json").json["openapi"].string.hasPrefix("3.1"))
            let icon = try await server.client.send("GET", "/favicon.ico")
            #expect(icon.status == 200 && icon.header("Content-Type") == "image/svg+xml")
        }
    }

    @Test func theReferenceHasEveryOperationEventAndSchema() async throws {
        try await withServer { server in
            let page = try await server.client.get("/docs/api")
            let document = try await server.client.get("/docs/openapi.json").json

            #expect(page.status == 200)
            #expect(page.header("content-security-policy")?.contains("default-src 'none'") == true)
            for part in ["paths", "webhooks"] {
                for (path, operations) in document[part].object {
                    for (method, operation) in operations.object where method != "parameters" {
                        let id = operation["operationId"].string
                        #expect(page.text.contains("<a id=\"\(id)\"></a>"), "\(method) \(path)")
                    }
                }
            }
            let anchors = Set(page.text.matches(of: /<a id="([^"]*)">/).map { String($0.output.1) })
            let links = Set(page.text.matches(of: /href="#([^"]*)"/).map { String($0.output.1) })
            #expect(links.subtracting(anchors) == [])
            #expect(document["components"]["schemas"].object.keys.allSatisfy { anchors.contains("schema-\($0)") })
        }
    }

    @Test(arguments: [
        ("WEBHOOK_RETRY_DELAYS", "settings"), ("webhook_retry_delays", "settings"), ("POST /v1/messages/send", "api#"),
        ("signature verify", "webhooks"), ("MASTER_KEY backup", "operations"),
    ])
    func theSearchFindsWhereWordsStand(query: String, page: String) throws {
        let hits = DocumentationSearch.standard.hits(query)

        #expect(hits.count <= 30)
        #expect(hits.contains { $0.section.address.hasPrefix("/docs/\(page)") }, "\(hits.map(\.section.address))")
    }

    @Test func aHeadingThatSaysItComesFirstAndAllWordsMustBeThere() {
        let page = Document(
            name: "a.md",
            text:
                "# Title\n\nFirst [words](x.md).\n\n## Leases\n\nNone.\n\n```\n# no heading\n```\n\n## Other\n\nA lease, a LEASE.\n"
        )
        let search = DocumentationSearch(DocumentationSearch.sections(page))

        let hits = search.hits("lease")

        #expect(hits.map(\.section.address) == ["/docs/a#leases", "/docs/a#other"])
        #expect(
            hits.map { [$0.before, $0.match, $0.after] } == [
                ["", "", "None. # no heading"], ["A ", "lease", ", a LEASE."],
            ])
        #expect(search.hits("lease none").map(\.section.heading) == ["Leases"])
        #expect(search.hits("words").first?.before == "First ")
        #expect(search.hits("nowhere") == [] && search.hits("  ") == [])
    }

    @Test(arguments: [
        "", "<script>\"'&", String(repeating: "a ", count: 50_000), "\u{0}\u{FFFD}\u{202E}", "\u{130}\u{130}",
        "e\u{301}",
    ])
    func theSearchPageSurvivesWhateverIsAsked(query: String) async throws {
        try await withServer { server in
            let text = try #require(query.addingPercentEncoding(withAllowedCharacters: .alphanumerics)).prefix(6_000)

            let page = try await server.client.get("/docs/search?q=\(text)")

            #expect(page.status == 200)
            #expect(!page.text.contains("<script>"))
            #expect(page.header("content-security-policy")?.contains("default-src 'none'") == true)
        }
    }

    @Test func theReferenceHasARequestToCopyForEachOperation() throws {
        let reference = try #require(APIReference.standard)
        let send: [String: Any] = [
            "requestBody": [
                "content": ["application/json": ["example": ["content": "It's late", "from": "+18005550199"]]]
            ]
        ]

        #expect(
            reference.request("post", "/v1/messages/send", send) == """
                curl -X POST "$API/v1/messages/send" -H "x-api-key: $USER_KEY" \\
                  -H 'Content-Type: application/json' \\
                  -d '{"content":"It'\\''s late","from":"+18005550199"}'
                """)
        #expect(reference.request("get", "/health", ["security": [[String: Any]]()]) == "curl \"$API/health\"")
        let html = reference.html
        #expect(html.contains("Authentication</h2>"))
        #expect(html.ranges(of: "<pre><code>curl ").count >= 70)
    }

    @Test func markdownHasTablesAndAnchorsButNoHTMLOfItsOwn() {
        let html = Markdown.html(
            "# `a b`, *c*\n\n<script>x</script>\n\n|a|\n|---|\n|[b](x.md)|\n\n[c](javascript:x)",
            address: { $0 == "x.md" ? nil : $0 })

        #expect(html.contains("<h1><a id=\"a-b-c\"></a><code>a b</code>, <em>c</em></h1>"))
        #expect(html.contains("<td>b</td>"))
        #expect(!html.contains("<script>") && !html.contains("javascript:"))
    }
}
