import CMarkGFM
import Foundation

/// GitHub's Markdown as HTML, by the library that GitHub uses. Raw HTML in it is left out.
package enum Markdown {
    /// The HTML of `markdown`. Each heading gets the anchor that it has on GitHub. `address` says where a link leads, and
    /// nil that there is nothing: then its text stays.
    static func html(_ markdown: String, address: (String) -> String?) -> String {
        cmark_gfm_core_extensions_ensure_registered()
        guard let parser = cmark_parser_new(CMARK_OPT_DEFAULT) else { return "" }
        defer { cmark_parser_free(parser) }
        for name in ["table", "autolink", "strikethrough"] {
            if let found = cmark_find_syntax_extension(name) { cmark_parser_attach_syntax_extension(parser, found) }
        }
        cmark_parser_feed(parser, markdown, markdown.utf8.count)
        guard let document = cmark_parser_finish(parser) else { return "" }
        defer { cmark_node_free(document) }

        for node in nodes(of: document, [CMARK_NODE_HEADING]) { addAnchor(to: node) }
        for node in nodes(of: document, [CMARK_NODE_LINK, CMARK_NODE_IMAGE]) {
            if let target = address(cmark_node_get_url(node).map { String(cString: $0) } ?? "") {
                cmark_node_set_url(node, target)
            } else {
                unwrap(node)
            }
        }
        guard let html = cmark_render_html(document, CMARK_OPT_DEFAULT, cmark_parser_get_syntax_extensions(parser))
        else { return "" }
        defer { free(html) }
        return tablesForEverybody(String(cString: html))
    }

    /// HTML whose tables can be scrolled without a mouse, and have no heading that says nothing.
    static func tablesForEverybody(_ html: String) -> String {
        html.replacing("<table>", with: "<table tabindex=\"0\">").replacing("<th></th>", with: "<td></td>")
    }

    /// The anchor of a heading on GitHub: `From nothing, at once` is `from-nothing-at-once`.
    package static func anchor(_ heading: String) -> String {
        String(
            heading.lowercased().compactMap { character in
                if character == " " { return "-" }
                return character.isLetter || character.isNumber || character == "-" || character == "_"
                    ? character : nil
            })
    }

    /// The nodes of these types, in the order of the text.
    private static func nodes(of document: OpaquePointer, _ types: [cmark_node_type]) -> [OpaquePointer] {
        let iterator = cmark_iter_new(document)
        defer { cmark_iter_free(iterator) }
        var found: [OpaquePointer] = []
        while true {
            let event = cmark_iter_next(iterator)
            if event == CMARK_EVENT_DONE { return found }
            if event == CMARK_EVENT_ENTER, let node = cmark_iter_get_node(iterator),
                types.contains(cmark_node_get_type(node))
            {
                found.append(node)
            }
        }
    }

    private static func addAnchor(to heading: OpaquePointer) {
        let texts = nodes(of: heading, [CMARK_NODE_TEXT, CMARK_NODE_CODE])
        let text = texts.compactMap { cmark_node_get_literal($0).map { String(cString: $0) } }.joined()
        let anchor = cmark_node_new(CMARK_NODE_CUSTOM_INLINE)
        cmark_node_set_on_enter(anchor, "<a id=\"\(Self.anchor(text))\"></a>")
        cmark_node_prepend_child(heading, anchor)
    }

    /// Puts a link's text into its place.
    private static func unwrap(_ link: OpaquePointer) {
        while let child = cmark_node_first_child(link) { cmark_node_insert_before(link, child) }
        cmark_node_unlink(link)
        cmark_node_free(link)
    }
}
