import Delivery
import Gateway
import Wire

/// The other parties of messages, and phones, in what pages are made of: marks that ``PageParties`` sets names and readable
/// numbers in the place of. So what makes a page need not look names up.
enum PageParty {
    /// How a party is shown.
    enum Form: Character {
        /// The name, and the number behind it.
        case full = "f"
        /// The name; the number where there is none.
        case name = "n"
        /// The number alone, as for our own phones.
        case number = "o"
        /// The name, or the number where there is none, without markup, as in the title of a page.
        case text = "t"
        /// The number alone, without markup.
        case digits = "d"
    }

    /// Before the form and the number in hexadecimal.
    static let begin = PageMarks.begin()

    static func full(_ number: String) -> String { mark(number, .full) }
    static func name(_ number: String) -> String { mark(number, .name) }
    static func number(_ number: String) -> String { mark(number, .number) }
    static func text(_ number: String) -> String { mark(number, .text) }
    static func digits(_ number: String) -> String { mark(number, .digits) }

    private static func mark(_ number: String, _ form: Form) -> String {
        // Nobody has a name for what is longer than any number.
        if number.isEmpty || number.utf8.count > longestNumber { return number }
        return "\(String(decoding: begin, as: UTF8.self))\(form.rawValue)\(Array(number.utf8).hexadecimal);"
    }

    /// In bytes: senders that are names have eleven letters, in any script.
    private static let longestNumber = 64
}

/// Sets the parties of a page in the place of their marks.
struct PageParties {
    /// The numbers that names are wanted of, each once.
    private(set) var numbers: [String] = []
    private let html: [UInt8]

    init(_ html: [UInt8]) {
        var found: Set<String> = []
        var numbers: [String] = []
        _ = PageMarks.replace(PageParty.begin, in: html) { mark, _ in
            if let (form, number) = Self.read(mark), form != .number, form != .digits, found.insert(number).inserted {
                numbers.append(number)
            }
            return ""
        }
        self.html = html
        self.numbers = numbers
    }

    /// Whether a page has marks at all.
    static func areIn(_ html: [UInt8]) -> Bool {
        guard let first = PageParty.begin.first else { return false }
        var rest = html[...]
        while let place = rest.firstIndex(of: first) {
            if rest[place...].starts(with: PageParty.begin) { return true }
            rest = rest[(place + 1)...]
        }
        return false
    }

    /// The page with `names` by their numbers.
    func placed(names: [String: String]) -> [UInt8] {
        var readable: [String: String] = [:]
        return PageMarks.replace(PageParty.begin, in: html) { mark, isInTag in
            guard let (form, number) = Self.read(mark) else { return "" }
            let shown = readable[number] ?? PhoneNumber.readable(number)
            readable[number] = shown
            return Self.text(form, number: number, shown: shown, name: names[number], isInTag: isInTag)
        }
    }

    private static func read(_ mark: String) -> (PageParty.Form, String)? {
        guard let form = mark.first.flatMap({ PageParty.Form(rawValue: $0) }),
            let bytes = bytes(ofHexadecimal: mark.dropFirst()), !bytes.isEmpty
        else { return nil }
        return (form, String(decoding: bytes, as: UTF8.self))
    }

    private static func bytes(ofHexadecimal text: Substring) -> [UInt8]? {
        let digits = text.utf8.compactMap { UInt8(String(UnicodeScalar($0)), radix: 16) }
        guard digits.count == text.utf8.count, digits.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    private static func text(
        _ form: PageParty.Form, number: String, shown: String, name: String?, isInTag: Bool
    ) -> String {
        let isNumber = form == .number || form == .digits
        let name = isNumber ? nil : name.map { MarkupText.escaped($0.firstScalars(longestName)) }
        if isInTag || form == .text || form == .digits { return name ?? MarkupText.escaped(shown) }
        // With the number as it is stored, for who looks closely.
        let title = " title=\"\(MarkupText.escaped(number))\""
        let bare = "<bdi class=\"number\"\(shown == number ? "" : title)>\(MarkupText.escaped(shown))</bdi>"
        guard let name else { return bare }
        return form == .full ? "<bdi>\(name)</bdi> \(bare)" : "<bdi\(title)>\(name)</bdi>"
    }

    /// More than a name has that the rules let in.
    private static let longestName = 255
}
