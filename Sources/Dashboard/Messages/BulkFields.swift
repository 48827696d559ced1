import Gateway
import Storage
import Wire

/// What the forms of an upload carry from page to page beside the file: how it is read.
struct BulkFields: Sendable {
    /// Columns are `column 3`, by their places counted from 0.
    var to = ""
    /// A column, or a number of ours.
    var from = ""
    var sendTime = ""
    var attachments = ""
    /// A column, `text <id>` of a saved text, or ``typed``.
    var text = ""
    /// What was typed.
    var content = ""

    /// Whether rows that something is wrong with are left out.
    var leavesOut = false

    /// The text is the one of the form.
    static let typed = "typed"

    /// A file is read by its own headings.
    init() {}

    init(_ form: PageForm) {
        leavesOut = form.text("leave_out") == "yes"
        to = form.text("to")
        from = form.text("from")
        sendTime = form.text("send_time")
        attachments = form.text("attachments")
        text = form.text("text")
        content = form.text("content").replacingBytes("\r\n", with: "\n")
    }

    /// What the headings of a file suggest.
    init(header: [Int: String], phones: [String]) {
        var rest = header.sorted { $0.key < $1.key }
        func take(_ column: BulkColumn, where isMeant: @escaping (String) -> Bool = { _ in false }) -> String {
            let tests: [(String) -> Bool] = [
                { BulkColumn($0) == column }, { BulkColumn.resembling($0) == column }, isMeant,
            ]
            for test in tests {
                guard let index = rest.firstIndex(where: { test($0.value) }) else { continue }
                return Self.column(rest.remove(at: index).key)
            }
            return ""
        }
        sendTime = take(.sendTime)
        attachments = take(.attachmentURLs)
        from = take(.from)
        to = take(.to) { name in
            let key = PlaceholderText.key(name)
            return key.contains("phone") || key.contains("mobile") || Self.numbers.contains { key.hasPrefix($0) }
        }
        if from.isEmpty { from = phones.first ?? "" }
        text = take(.content)
        if text.isEmpty { text = Self.typed }
    }

    /// Whether a file is read so, and not by its own headings.
    var isMapped: Bool { !to.isEmpty || !from.isEmpty || !text.isEmpty }

    /// The saved text that was chosen; nil when none was.
    var savedText: SavedTextID? { text.hasPrefix("text ") ? SavedTextID(String(text.dropFirst(5))) : nil }

    /// How the file is read; nil by its own headings.
    var mapping: BulkMapping? {
        guard isMapped else { return nil }
        let places: [BulkColumn: Int?] = [
            .to: Self.place(to), .from: Self.place(from), .sendTime: Self.place(sendTime),
            .attachmentURLs: Self.place(attachments), .content: Self.place(text),
        ]
        return BulkMapping(
            places: places.compactMapValues(\.self),
            sender: Self.place(from) == nil && !from.isEmpty ? from : nil,
            text: Self.place(text) == nil ? content : nil)
    }

    static func column(_ place: Int) -> String { "column \(place)" }

    private static func place(_ value: String) -> Int? {
        value.hasPrefix("column ") ? Int(value.dropFirst(7)) : nil
    }

    /// What columns with numbers are called.
    private static let numbers = ["cell", "tel", "number", "recipient"]
}
