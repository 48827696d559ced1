import Secrets

/// Places in the HTML of a page that something is set in once the page is put together.
///
/// A mark is a beginning that nobody outside can know, so that no SMS holds one, a text of ASCII letters and digits, and a
/// semicolon. Templates leave it as it is.
enum PageMarks {
    /// Behind each.
    static let end = UInt8(ascii: ";")

    /// A new beginning.
    static func begin() -> [UInt8] { Array("\u{F8FF}\(RandomToken.make().prefix(16))".utf8) }

    /// Sets a text in the place of each mark of `html`, in which every text is escaped. Reads each byte once.
    ///
    /// - Parameters:
    ///   - begin: What the marks begin with.
    ///   - html: The page.
    ///   - text: What stands for a mark, and whether it is within a tag, as the value of an attribute.
    /// - Returns: The page with them.
    static func replace(
        _ begin: [UInt8], in html: [UInt8], with text: (_ mark: String, _ isInTag: Bool) -> String
    ) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(html.count)
        var isInTag = false
        var index = html.startIndex
        while index < html.endIndex {
            let byte = html[index]
            if byte == begin.first, html[index...].starts(with: begin) {
                let mark = html[(index + begin.count)...].prefix { $0 != end }
                index = min(mark.endIndex + 1, html.endIndex)
                result += text(String(decoding: mark, as: UTF8.self), isInTag).utf8
                continue
            }
            if byte == UInt8(ascii: "<") { isInTag = true }
            if byte == UInt8(ascii: ">") { isInTag = false }
            result.append(byte)
            index += 1
        }
        return result
    }
}
