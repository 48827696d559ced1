/// Addresses of pages that somebody else wrote down, in a form or in a header.
enum LocalPage {
    /// The path and query `text`; nil when they could lead to another server.
    ///
    /// Browsers take `//host` and `/\host` for another host, and drop tabs and line breaks before they look
    /// ([WHATWG URL](https://url.spec.whatwg.org/#concept-basic-url-parser)), so that `/<tab>/host` is one, too.
    static func path(_ text: some StringProtocol) -> String? {
        let isLocal =
            text.hasPrefix("/") && !text.hasPrefix("//")
            && text.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "\\") }
        return isLocal ? String(text) : nil
    }
}
