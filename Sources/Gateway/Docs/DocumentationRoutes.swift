import Delivery
import HTTPTypes
import Hummingbird
import NIOCore
import Wire

/// The documentation, for anyone: `/docs`, its pages as HTML and as Markdown, `/llms.txt`, and what else is looked for at the
/// root of a server.
struct DocumentationRoutes {
    func add(to router: Router<APIContext>) {
        router.get("/docs") { request, _ in Self.page(Self.index, to: request) }
        router.get("/docs/api") { request, _ in Self.page(Self.reference, to: request) }
        router.get("/docs/search") { request, _ in
            // Made for whoever asks, so it is sent as it is.
            Self.guarded(
                Response(
                    status: .ok, headers: [.contentType: Self.html, .cacheControl: "no-cache"],
                    body: .init(byteBuffer: ByteBuffer(string: Self.found(QueryParameters(request)["q"] ?? "")))))
        }
        router.get("/docs/:page") { request, context in
            let name = try context.parameters.require("page")
            if let document = Self.documents[name] { return document.response(to: request) }
            guard let page = Self.pages[name] else { throw HTTPError(.notFound) }
            return Self.page(page, to: request)
        }
        router.get("/llms.txt") { request, _ in Self.overview.response(to: request) }
        router.get("/llms-full.txt") { request, _ in Self.everything.response(to: request) }
        router.get("/robots.txt") { request, _ in Self.robots.response(to: request) }
        // Where programs look without being told.
        router.get("/openapi.json") { _, _ in Response.redirect(to: "/docs/openapi.json", type: .permanent) }
    }

    /// Each page as HTML, by its slug; they never change, so they are made once.
    private static let pages = Dictionary(
        Document.pages.map { page in
            let content = Markdown.html(page.text, address: address) + turns(from: page)
            return (page.slug, StaticAnswer(frame(page.title, content, at: page), html))
        },
        uniquingKeysWith: { $1 })

    /// Each document as it is sent, by its name.
    private static let documents = Dictionary(
        Document.all.map { ($0.name, StaticAnswer(served($0), $0.mediaType)) }, uniquingKeysWith: { $1 })

    private static let index = StaticAnswer(
        frame(
            "Documentation",
            "<h1>Documentation</h1>\n"
                + Document.groups.map { group in
                    "<h2>\(MarkupText.escaped(group.title))</h2>\n<dl>\n\(group.pages.map(entry).joined())</dl>\n"
                }.joined()), html)

    /// A page in the index, with what a reader learns of it.
    private static func entry(_ page: Document) -> String {
        "<dt><a href=\"/docs/\(page.slug)\">\(MarkupText.escaped(page.title))</a></dt>\n<dd>"
            + Markdown.html(page.summary, address: { _ in nil }) + "</dd>\n"
    }

    private static let reference = StaticAnswer(frame("The API", APIReference.standard?.html ?? ""), html)

    /// The page that tells where the words of `query` stand.
    private static func found(_ query: String) -> String {
        let hits = DocumentationSearch.standard.hits(query)
        let items = hits.map { hit in
            let section = hit.section
            let page = section.page == section.heading ? "" : " <small>\(MarkupText.escaped(section.page))</small>"
            let mark = hit.match.isEmpty ? "" : "<mark>\(MarkupText.escaped(hit.match))</mark>"
            return """
                <dt><a href="\(section.address)">\(MarkupText.escaped(section.heading))</a>\(page)</dt>
                <dd>\(MarkupText.escaped(hit.before))\(mark)\(MarkupText.escaped(hit.after))</dd>

                """
        }
        let count =
            DocumentationSearch.words(query).isEmpty
            ? "Enter a word: a setting, a status, an event, a command."
            : hits.isEmpty
                ? "Nothing has all of these words. Try fewer." : hits.count == 1 ? "1 place" : "\(hits.count) places"
        let list = items.isEmpty ? "" : "<dl>\n\(items.joined())</dl>\n"
        return frame("Search", "<h1>Search</h1>\n<p role=\"status\">\(count)</p>\n\(list)", searching: query)
    }

    /// The form of llmstxt.org: a title, a summary, links with a sentence each.
    private static let overview = StaticAnswer(
        "# httpsms\n\n> A self-hosted SMS gateway: an Android phone behind an HTTP API, with webhooks.\n\n"
            + Document.groups.map(listed).joined()
            + "## For programs\n\n- [The API](/docs/openapi.json): OpenAPI 3.1, with the events that webhooks get.\n"
            + "- [Tools for agents](/docs/cli.md#agents): the Model Context Protocol over HTTP, at /mcp, with a key.\n"
            + "- [All pages in one file](/llms-full.txt)\n", "text/plain; charset=utf-8")

    /// A group of pages, a link each.
    private static func listed(_ group: Document.Group) -> String {
        let lines = group.pages.map { "- [\($0.title)](/docs/\($0.name)): \($0.summary)\n" }
        return "## \(group.title)\n\n\(lines.joined())\n"
    }

    /// All pages in one text, in their order, for a reader that takes one file.
    private static let everything = StaticAnswer(
        Document.pages.map { served($0) }.joined(separator: "\n\n"), "text/markdown; charset=utf-8")

    /// The documentation is for everybody, the rest for nobody who is not signed in.
    private static let robots = StaticAnswer(
        "User-agent: *\nAllow: /docs\nAllow: /llms\nDisallow: /\n", "text/plain; charset=utf-8")

    /// Where a link of a page in `docs/` leads under `/docs`; nil when it leads to a file that is not served.
    static func address(_ link: String) -> String? {
        if link.hasPrefix("#") || link.hasPrefix("http://") || link.hasPrefix("https://") { return link }
        let parts = link.split(separator: "#", maxSplits: 1)
        guard let name = parts.first?.split(separator: "/").last,
            let document = Document.all.first(where: { $0.name == name })
        else { return nil }
        let fragment = parts.count == 2 ? "#\(parts[1])" : ""
        return "/docs/" + (document.name.hasSuffix(".md") ? document.slug : document.name) + fragment
    }

    /// A document as it is sent: the links of a page lead to what is served, to Markdown from Markdown; one that leads to
    /// a file that is not served keeps its words only. What is between fences stays as it is.
    static func served(_ document: Document) -> String {
        guard document.name.hasSuffix(".md") else { return document.text }
        // Every second part is code: what opens a fence also closes it.
        let parts = document.text.split(separator: "```", omittingEmptySubsequences: false)
        return parts.enumerated().map { index, part in
            index.isMultiple(of: 2) ? linksServed(String(part)) : String(part)
        }.joined(separator: "```")
    }

    private static func linksServed(_ text: String) -> String {
        text.replacing(/(!?\[)([^\]]*)\]\(([^)\s]+)\)/) { match in
            guard let target = address(String(match.3)) else { return String(match.2) }
            return "\(match.1)\(match.2)](\(markdown(target)))"
        }
    }

    /// The address of a page's Markdown, when `address` is that of its HTML.
    private static func markdown(_ address: String) -> String {
        let parts = address.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        guard address.hasPrefix("/docs/"), let page = Document.pages.first(where: { "/docs/\($0.slug)" == parts[0] })
        else { return address }
        return "/docs/\(page.name)" + (parts.count == 2 ? "#\(parts[1])" : "")
    }

    /// Links to the pages before and after `page`.
    private static func turns(from page: Document) -> String {
        guard let place = Document.pages.firstIndex(where: { $0.name == page.name }) else { return "" }
        func link(_ place: Int, _ relation: String, _ words: String) -> String {
            guard Document.pages.indices.contains(place) else { return "" }
            let page = Document.pages[place]
            return
                "<a rel=\"\(relation)\" href=\"/docs/\(page.slug)\">\(words): \(MarkupText.escaped(page.title))</a>\n"
        }
        return "<nav class=\"turns\" aria-label=\"Next pages\">\n\(link(place - 1, "prev", "Previous"))"
            + "\(link(place + 1, "next", "Next"))</nav>\n"
    }

    /// The list of all pages by their groups, in which `current` is marked.
    private static func menu(_ current: Document?) -> String {
        let groups = Document.groups.map { group in
            let links = group.pages.map { page in
                let mark = page.name == current?.name ? " aria-current=\"page\"" : ""
                return "<li><a href=\"/docs/\(page.slug)\"\(mark)>\(MarkupText.escaped(page.title))</a></li>\n"
            }
            return "<li>\(MarkupText.escaped(group.title))\n<ul>\n\(links.joined())</ul>\n</li>\n"
        }
        return "<nav class=\"pages\" aria-label=\"All pages\">\n<ul>\n\(groups.joined())</ul>\n</nav>"
    }

    /// A whole page around `content`, which is HTML; `page` is nil for the index, the reference and the search, which shows its
    /// `query` again.
    private static func frame(
        _ title: String, _ content: String, at page: Document? = nil, searching query: String = ""
    ) -> String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(MarkupText.escaped(title)) - httpsms</title>
        <link rel="icon" href="/favicon.ico" type="image/svg+xml">
        <link rel="stylesheet" href="/docs/style.css">
        <body>
        <nav aria-label="Main"><a href="/docs">Documentation</a> <a href="/docs/api">API</a> <a href="/">Dashboard</a></nav>
        <form role="search" action="/docs/search"><input type="search" name="q" value="\(MarkupText.escaped(query.firstScalars(200)))" \
        aria-label="Search the documentation" maxlength="200"><button type="submit">Search</button></form>
        \(page == nil ? "" : menu(page))
        <main>
        \(content.replacing("<pre>", with: "<pre tabindex=\"0\">"))</main>
        </body>
        </html>

        """
    }

    private static let html = "text/html; charset=utf-8"

    private static func page(_ page: StaticAnswer, to request: Request) -> Response {
        guarded(page.response(to: request))
    }

    /// No script at all, and nothing from elsewhere.
    private static func guarded(_ response: Response) -> Response {
        var response = response
        response.headers[.contentSecurityPolicy] =
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        return response
    }
}
