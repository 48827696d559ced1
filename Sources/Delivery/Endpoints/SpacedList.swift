/// Words in one text, separated by spaces, as `endpoint` stores event types and phone numbers, which hold none.
package enum SpacedList {
    /// The words in their order. By bytes: a text is divided by its characters otherwise, at ten times the cost.
    package static func words(_ text: String) -> [String] {
        text.utf8.split(separator: UInt8(ascii: " ")).map { String(Substring($0)) }
    }

    /// Whether `word` is one of the words of `text`.
    static func contains(_ word: String, in text: String) -> Bool {
        text.utf8.split(separator: UInt8(ascii: " ")).contains { $0.elementsEqual(word.utf8) }
    }
}
