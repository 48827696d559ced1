import Foundation
import Wire

/// What the documentation says, by the words that somebody looks for.
///
/// All of it is in the binary and never changes, so one list is made of it and searched from beginning to end: some 500 KB.
struct DocumentationSearch: Sendable {
    /// What stands under one heading.
    struct Section: Sendable, Hashable {
        /// The title of its page.
        let page: String
        /// Its own heading; that of the page where it begins.
        let heading: String
        /// Where it is read.
        let address: String
        /// Its words, without marks of Markdown, on one line.
        let text: String
    }

    /// A section that was found, and where in its text.
    struct Hit: Sendable, Hashable {
        let section: Section
        /// Around the first word that was found, some 160 characters in all. `match` is empty when the words stand in the heading
        /// only.
        let before, match, after: String
    }

    private struct Entry {
        let section: Section
        /// UTF-8 in small letters, to compare.
        let title, heading, text: [UInt8]
    }

    private let entries: [Entry]

    /// All pages and operations of the API.
    static let standard = DocumentationSearch(
        Document.pages.flatMap(sections)
            + (APIReference.standard?.operations ?? []).map {
                Section(page: "The API", heading: $0.heading, address: "/docs/api#\($0.id)", text: plain($0.text))
            })

    init(_ sections: [Section]) {
        entries = sections.map {
            Entry(
                section: $0, title: Self.folded($0.page), heading: Self.folded($0.heading), text: Self.folded($0.text))
        }
    }

    /// The words of a query: at most eight, of its first 200 characters, and long ones without the s of a plural.
    static func words(_ query: String) -> [String] {
        query.firstScalars(200).lowercased().split(whereSeparator: \.isWhitespace).prefix(8).map { word in
            String(word.utf8.count > 4 && word.hasSuffix("s") ? word.dropLast() : word)
        }
    }

    /// The sections that hold all words of `query`, the best first, at most 30: those with words in their heading, and then those
    /// that say them more often.
    func hits(_ query: String) -> [Hit] {
        let words = Self.words(query).map { Array($0.utf8) }
        guard !words.isEmpty else { return [] }
        let found = entries.enumerated().compactMap { index, entry in
            Self.score(entry, words).map { (index, score: $0) }
        }
        return found.sorted { ($0.score, $1.0) > ($1.score, $0.0) }.prefix(30).map { index, _ in
            Self.hit(entries[index].section, words)
        }
    }

    /// Nil when a word is missing.
    private static func score(_ entry: Entry, _ words: [[UInt8]]) -> Int? {
        var score = 0
        for word in words {
            let worth =
                (entry.heading.first(word) != nil ? 20 : 0) + (entry.title.first(word) != nil ? 5 : 0)
                + min(entry.text.count(of: word, atMost: 5), 5)
            if worth == 0 { return nil }
            score += worth
        }
        return score
    }

    private static func hit(_ section: Section, _ words: [[UInt8]]) -> Hit {
        // Small letters may have other lengths than large ones, so places are looked for in what is shown.
        let scalars = Array(section.text.unicodeScalars)
        let small = scalars.map { String($0).lowercased().unicodeScalars.first ?? $0 }
        let places = words.compactMap { word -> Range<Int>? in
            let wanted = Array(String(decoding: word, as: UTF8.self).unicodeScalars)
            return small.firstRange(of: wanted)
        }
        let match = places.min { $0.lowerBound < $1.lowerBound } ?? 0..<0
        let first = max(0, match.lowerBound - 60)
        // From a whole word on.
        let start = first == 0 ? 0 : scalars[first..<match.lowerBound].firstIndex(of: " ").map { $0 + 1 } ?? first
        let end = min(scalars.count, match.upperBound + 100)
        func text(_ range: Range<Int>) -> String {
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars[range])
            return String(text)
        }
        return Hit(
            section: section, before: (start > 0 ? "... " : "") + text(start..<match.lowerBound), match: text(match),
            after: text(match.upperBound..<end) + (end < scalars.count ? " ..." : ""))
    }

    private static func folded(_ text: String) -> [UInt8] { Array(text.lowercased().utf8) }

    // MARK: Reading

    /// The sections of a page.
    static func sections(_ page: Document) -> [Section] {
        var sections: [Section] = []
        var heading = page.title
        var address = "/docs/\(page.slug)"
        var lines: [Substring] = []
        var isCode = false
        func end() {
            sections.append(
                Section(
                    page: page.title, heading: heading, address: address, text: plain(lines.joined(separator: "\n"))))
            lines = []
        }
        for line in page.text.split(separator: "\n", omittingEmptySubsequences: false).dropFirst() {
            if line.hasPrefix("```") {
                isCode.toggle()
            } else if !isCode, line.hasPrefix("#") {
                end()
                heading = plain(String(line.drop { $0 == "#" || $0 == " " }))
                address = "/docs/\(page.slug)#\(Markdown.anchor(heading))"
            } else if isCode || !line.utf8.allSatisfy({ "|-: ".utf8.contains($0) }) {
                lines.append(line)  // What rules off the head of a table says nothing.
            }
        }
        end()
        return sections
    }

    /// Markdown without its marks, on one line; of a link, its words. Looks at each scalar once.
    static func plain(_ markdown: String) -> String {
        var text = String.UnicodeScalarView()
        var isTarget = false
        var last: Unicode.Scalar = " "
        for scalar in markdown.unicodeScalars {
            defer { last = scalar }
            if isTarget {
                isTarget = scalar != ")" && scalar != "\n"
                continue
            }
            switch scalar {
            case "(" where last == "]": isTarget = true
            case "[", "]", "`", "*": break
            case "\n", "|", " ", "\t":
                if text.last != " ", !text.isEmpty { text.append(" ") }
            default: text.append(scalar)
            }
        }
        return String(text)
    }
}

extension [UInt8] {
    /// Where `part` begins, from `start` on; nil when it is nowhere, or empty.
    fileprivate func first(_ part: [UInt8], from start: Int = 0) -> Int? {
        guard let head = part.first else { return nil }
        return withUnsafeBytes { bytes in
            part.withUnsafeBytes { part in
                guard let base = bytes.baseAddress, let wanted = part.baseAddress else { return nil }
                var index = start
                while index + part.count <= bytes.count {
                    let room = bytes.count - index - part.count + 1
                    guard let found = memchr(base + index, Int32(truncatingIfNeeded: head), room) else { return nil }
                    if memcmp(found, wanted, part.count) == 0 { return UnsafeRawPointer(found) - base }
                    index = UnsafeRawPointer(found) - base + 1
                }
                return nil
            }
        }
    }

    /// How often `part` occurs, counted up to `limit`.
    fileprivate func count(of part: [UInt8], atMost limit: Int) -> Int {
        var (found, start) = (0, 0)
        while found < limit, let index = first(part, from: start) {
            found += 1
            start = index + part.count
        }
        return found
    }
}
