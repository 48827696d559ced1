import CPhoneNumber

/// Phone numbers as text, made canonical by Google's libphonenumber the way httpSMS does it.
enum PhoneNumber {
    /// The E.164 form of an international number (leading `+`, known country code); nil when it is not one.
    ///
    /// Separators and extensions are dropped, vanity letters become digits, a redundant national prefix goes.
    static func e164(_ text: String) -> String? { parse(text, region: nil) }

    /// Reads a number until what is read is itself: of `+49 00 493...` the library takes one national prefix at a time, and
    /// one phone must not have two names.
    private static func parse(_ text: String, region: String?) -> String? {
        guard mayBeNumber(text), var number = withBuffer({ phone_number_e164(text, region, $0, $1) }) else {
            return nil
        }
        // Each time it has a digit less, or it stays.
        for _ in 0..<mostDigits {
            guard let again = withBuffer({ phone_number_e164(number, nil, $0, $1) }) else { return nil }
            if again == number { return number }
            number = again
        }
        return nil
    }

    /// Of the longest number that the library writes: a country code of 3 digits, and 17 after it.
    private static let mostDigits = 20

    /// Sanitises an address (contract 1.7): spaces trimmed, `+` put before ten or more bare digits, then E.164 when it
    /// parses; anything else, such as a short code, is left as it is.
    static func address(_ text: String) -> String {
        var text = text.trimmed
        if text.count > 9, text.isDigits { text = "+" + text }
        return e164(text) ?? text
    }

    /// Sanitises the other party of an inbound SMS or call (contract 1.7): eight or more bare digits are read as a
    /// national number of the owner's region; short codes, names and international numbers stay as they are.
    static func contact(_ text: String, owner: String) -> String {
        let text = text.trimmed
        guard mayBeNumber(text), text.count >= 8, text.isDigits, let region = region(of: owner) else { return text }
        return parse(text, region: region) ?? text
    }

    /// Whether `text` may be sent to: 2 to 15 digits with an optional `+` (contract 1.6, contactPhoneNumber).
    static func isContact(_ text: String) -> Bool {
        let digits = text.hasPrefix("+") ? text.dropFirst() : text[...]
        return (2...15).contains(digits.count) && digits.isDigits
    }

    /// libphonenumber takes minutes for 500 kB of digits, and its interface is C: text ends at a NUL.
    private static func mayBeNumber(_ text: String) -> Bool {
        text.utf8.count <= 64 && !text.utf8.contains(0)
    }

    private static func region(of owner: String) -> String? {
        guard mayBeNumber(owner) else { return nil }
        return withBuffer { phone_number_region(owner, $0, $1) }
    }

    /// E.164 has at most 15 digits; regions two letters.
    private static func withBuffer(_ body: (UnsafeMutablePointer<CChar>, Int) -> Int32) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            guard let start = buffer.baseAddress, body(start, buffer.count) == 1 else { return nil }
            return String(cString: start)
        }
    }
}

extension StringProtocol {
    /// Whether every character is an ASCII digit and there is one.
    var isDigits: Bool {
        !isEmpty && utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// Without white space at both ends. Each character is looked at once, however much of that there is: `dropLast` counts
    /// all of them each time here, so that a mebibyte of spaces took minutes.
    var trimmed: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }),
            let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}
