import CDocuments

/// A file of the documentation, which the binary carries.
struct Document: Sendable {
    /// The last part of its address: `webhooks.md`.
    let name: String
    /// UTF-8.
    let text: String

    /// All of them, in the order in which the index tells of them.
    static let all: [Document] = {
        var documents: [Document] = []
        while let document = httpsms_document_at(documents.count)?.pointee {
            let bytes = UnsafeBufferPointer(start: document.bytes, count: document.count)
            documents.append(
                Document(name: String(cString: document.name), text: String(decoding: bytes, as: UTF8.self)))
        }
        return documents
    }()

    /// The pages among them.
    static let pages = all.filter { $0.name.hasSuffix(".md") }

    /// Pages for one kind of reader.
    struct Group: Sendable {
        let title: String
        let pages: [Document]
    }

    /// The pages in their order, in groups. A page belongs to the group whose first page comes last before it.
    static let groups: [Group] = {
        let starts = pages.indices.filter { titles[pages[$0].slug] != nil }
        return zip(starts, starts.dropFirst() + [pages.count]).map { start, end in
            Group(title: titles[pages[start].slug] ?? "", pages: Array(pages[start..<end]))
        }
    }()

    /// What groups are called, by their first pages.
    private static let titles = [
        "quick-start": "For developers", "phones": "Phones", "moving-from-httpsms": "For operators",
        "architecture": "How it works",
    ]

    /// A page's name without `.md`, which is the address of its HTML.
    var slug: String { String(name.prefix { $0 != "." }) }

    /// A page's heading: its first line.
    var title: String { String(text.prefix { $0 != "\n" }.drop { $0 == "#" || $0 == " " }) }

    /// A page's first paragraph on one line, without links; what a reader learns of it before following the link.
    var summary: String {
        let paragraphs = text.split(separator: "\n\n", maxSplits: 2, omittingEmptySubsequences: true)
        guard paragraphs.count > 1 else { return "" }
        return String(paragraphs[1]).replacing("\n", with: " ").replacing(/\[([^\]]*)\]\([^)]*\)/) {
            String($0.output.1)
        }
    }

    var mediaType: String {
        if name.hasSuffix(".json") { return "application/json; charset=utf-8" }
        if name.hasSuffix(".svg") { return "image/svg+xml" }
        if name.hasSuffix(".css") { return "text/css; charset=utf-8" }
        return name.hasSuffix(".md") ? "text/markdown; charset=utf-8" : "text/plain; charset=utf-8"
    }
}
