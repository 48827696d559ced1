import CPhoneNumber
import Delivery
import Wire

/// Phone numbers as text, made canonical by Google's libphonenumber. The same text means the same number everywhere: in
/// what is sent, received, uploaded, filtered by, and in webhooks.
///
/// With the phone +1 212 555 0123:
///
/// | text | is read as | because |
/// |---|---|---|
/// | `+44 (0)7700 900456` | `+447700900456` | it is international |
/// | `(212) 555-0188`, `12125550188` | `+12125550188` | a national form of the phone's region |
/// | `0044 7700 900456`, `447700900456` | `+447700900456` | not one, but an international number without its plus |
/// | `5550188`, `12345`, `MTN`, `015112345678` | itself | none of these |
package enum PhoneNumber {
    /// The E.164 form of an international number (leading `+`, known country code); nil when it is not one.
    ///
    /// Separators and extensions are dropped, vanity letters become digits, a redundant national prefix goes.
    static func e164(_ text: String) -> String? {
        guard let number = parse(clean(text), region: nil) else { return nil }
        return canonical(number)
    }

    /// Reads one of our own numbers, which is in no region: ten or more bare digits are international.
    /// Anything else, such as a short code, is left as it is.
    package static func address(_ text: String) -> String { read(text) { nil }.number }

    /// The same, and whether it is a number of a country, which ``e164(_:)`` would have to find out again.
    static func ownNumber(_ text: String) -> (number: String, isE164: Bool) {
        let (number, isE164) = read(text) { nil }
        return (number, isE164 || e164(number) != nil)
    }

    /// Reads the number of the other party of `owner`, which is a phone of ours; names and short codes stay as they are.
    package static func contact(_ text: String, owner: String) -> String { read(text) { Phone(owner) }.number }

    /// The same for many.
    static func contacts(_ texts: some Sequence<String>, owner: String) -> [String] {
        let phone = Phone(owner)
        return texts.map { read($0) { phone }.number }
    }

    /// An international number as people read it, `+49 1512 3456789`: with other signs between its digits, and never with other
    /// digits. Whatever is no such number is itself.
    package static func readable(_ number: String) -> String {
        guard number.hasPrefix("+"), number.utf8.count <= longestNumber, number.dropFirst().isDigits else {
            return number
        }
        var bytes = [CChar](repeating: 0, count: 64)
        guard phone_number_readable(number, &bytes, bytes.count) == 1 else { return number }
        let text = bytes.withUnsafeBytes { Self.text(of: $0) }
        let isSame = text.utf8.filter { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            .elementsEqual(number.utf8.dropFirst())
        return isSame ? text : number
    }

    /// Whether `text` may be sent to: 2 to 15 digits with an optional `+`. No country
    /// code begins with 0; eight and more digits that do are a national number that was not possible where the phone is.
    package static func isContact(_ text: String) -> Bool {
        let digits = text.hasPrefix("+") ? text.dropFirst() : text[...]
        guard (2...15).contains(digits.count), digits.isDigits else { return false }
        return !digits.hasPrefix("0") || !text.hasPrefix("+") && digits.count < fewestDigits
    }

    /// Whether `text` has the form of a number that no phone of the region could dial.
    static func isImpossibleNational(_ text: String) -> Bool {
        let digits = text.hasPrefix("+") ? text.dropFirst() : text[...]
        return digits.isDigits && digits.hasPrefix("0")
    }

    /// A phone of ours, as far as national numbers depend on it.
    private struct Phone {
        let callingCode: Int
        let nationalLength: Int
        let region: String
        let hasTrunkZero: Bool

        /// Nil when `owner` is not a number of a region.
        init?(_ owner: String) {
            var found = phone_region()
            guard let number = PhoneNumber.parse(owner, region: nil), phone_number_region(number.e164, &found) == 1
            else {
                return nil
            }
            callingCode = number.callingCode
            nationalLength = number.nationalLength
            region = withUnsafeBytes(of: found.code) { PhoneNumber.text(of: $0) }
            hasTrunkZero = found.has_trunk_zero == 1
        }
    }

    /// A number as libphonenumber parsed it; what it thinks of it is known where it was asked to judge.
    private struct Parsed: Sendable {
        let e164: String
        let callingCode: Int
        let nationalLength: Int
        let isPossible: Bool
        let isValid: Bool
        let isLine: Bool
        /// Whether it was read of its own E.164 form, as nearly all are: reading it again would give the same.
        let isItself: Bool
    }

    /// Shorter ones are short codes, or local numbers without their area code.
    private static let fewestDigits = 8

    private static func read(_ text: String, on phone: () -> Phone?) -> (number: String, isE164: Bool) {
        let text = clean(text)
        if text.hasPrefix("+") { return e164(text).map { ($0, true) } ?? (text, false) }
        guard let digits = bareDigits(text), digits.count >= fewestDigits else { return (text, false) }
        return choose(digits, phone()).flatMap(canonical).map { ($0, true) } ?? (text, false)
    }

    /// What bare digits mean: the first of these readings that fits.
    private static func choose(_ digits: String, _ phone: Phone?) -> Parsed? {
        let international = international(digits)
        let possible = international.flatMap { $0.isPossible ? $0 : nil }
        guard let phone, let national = parse(digits, region: phone.region, judges: true) else { return possible }
        // The prefix for calls abroad was in front.
        let isAbroad = national.callingCode != phone.callingCode
        let isAsLong = national.nationalLength == phone.nationalLength
        // As people of the region write numbers: with the 0 where they dial one, or as long as the phone's own.
        let isUsual = digits.hasPrefix("0") || !phone.hasTrunkZero || isAsLong
        if isAbroad ? national.isValid : isUsual && national.isLine { return national }
        // An area code may be newer than the library.
        if !isAbroad, !phone.hasTrunkZero, isAsLong, national.isPossible { return national }
        if let international, international.isValid { return international }
        if isUsual && national.isValid || digits.hasPrefix("0") && national.isPossible { return national }
        // A line without its 0, as in Brazil.
        if national.isLine, national.nationalLength <= phone.nationalLength { return national }
        return possible
    }

    /// Ten or more digits as an international number that lacks its plus, or has 00 in its place.
    private static func international(_ digits: String) -> Parsed? {
        guard digits.count >= 10 else { return nil }
        if digits.hasPrefix("00") { return parse("+" + digits.dropFirst(2), region: nil, judges: true) }
        return digits.hasPrefix("0") ? nil : parse("+" + digits, region: nil, judges: true)
    }

    /// The digits of a text that holds digits and what people put between them; nil for any other.
    private static func bareDigits(_ text: String) -> String? {
        guard text.utf8.count <= longestText else { return nil }
        let digits = String(String.UnicodeScalarView(text.unicodeScalars.filter { !separators.contains($0) }))
        return digits.isDigits ? digits : nil
    }

    /// Spaces, hyphens and dashes, brackets, points and slashes.
    private static let separators = Set(
        " \t\u{A0}\u{2007}\u{2009}\u{202F}\u{3000}-\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2212}()[]./"
            .unicodeScalars)

    /// The text without white space at its ends, and, where it may be a number, without invisible characters, with ASCII
    /// digits and plus, without what links put before it (`tel:`), and what MMS puts behind it (`/TYPE=PLMN`).
    private static func clean(_ text: String) -> String {
        func isMark(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar.properties.generalCategory {
            case .format: true
            case .nonspacingMark: scalar.properties.isVariationSelector || scalar == "\u{34F}"
            default: scalar.properties.isDefaultIgnorableCodePoint
            }
        }
        // As nearly all are.
        if text.utf8.allSatisfy({ $0 == UInt8(ascii: "+") || Self.isPlain($0) }) { return text }
        var scalars = text.unicodeScalars[...]
        while let first = scalars.first, isMark(first) || first.properties.isWhitespace { scalars.removeFirst() }
        while let last = scalars.last, isMark(last) || last.properties.isWhitespace { scalars.removeLast() }
        // Whatever is longer is not a number, marks included.
        guard scalars.count <= 4 * longestText else { return String(scalars) }
        var number = String.UnicodeScalarView(scalars.lazy.filter { !isMark($0) }.map { asciiForm(of: $0) })
        let suffix = "/TYPE=PLMN"
        if String(number).uppercased().hasSuffix(suffix) { number.removeLast(suffix.count) }
        if String(number).lowercased().hasPrefix("tel:") { number.removeFirst(4) }
        let start = number.drop { separators.contains($0) }
        if start.first == "+" { return String(start) }
        let mayBeNumber = number.allSatisfy { ("0"..."9").contains($0) || separators.contains($0) }
        return mayBeNumber ? String(number) : String(scalars)
    }

    /// Whether a byte is a letter or a digit of ASCII.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }

    /// A digit of any script, or a plus of full width, as ASCII has it.
    private static func asciiForm(of scalar: Unicode.Scalar) -> Unicode.Scalar {
        if scalar.isASCII { return scalar }
        if scalar == "\u{FF0B}" { return "+" }
        guard scalar.properties.numericType == .decimal, let value = scalar.properties.numericValue,
            let digit = UInt8(exactly: value)
        else { return scalar }
        return Unicode.Scalar(UInt8(ascii: "0") + digit % 10)
    }

    /// Reads a number until what is read is itself: of `+49 00 493...` the library takes one national prefix at a time, and
    /// one phone must not have two names. Nil for more digits than E.164 has.
    private static func canonical(_ parsed: Parsed) -> String? {
        var number = parsed.e164
        if parsed.isItself { return number.utf8.count <= longestNumber ? number : nil }
        // Each time it has a digit less, or it stays.
        for _ in 0..<mostDigits {
            guard let again = parse(number, region: nil)?.e164 else { return nil }
            if again == number { return number.utf8.count <= longestNumber ? number : nil }
            number = again
        }
        return nil
    }

    /// A plus and 15 digits.
    private static let longestNumber = 16

    /// Of the longest number that the library writes: a country code of 3 digits, and 17 after it.
    private static let mostDigits = 20

    /// libphonenumber takes minutes for 500 kB of digits, and its interface is C: text ends at a NUL.
    private static let longestText = 64

    /// A text as libphonenumber is asked to read it.
    private struct Question: Hashable, Sendable {
        let text: String
        let region: String?
        let judges: Bool
    }

    /// The library's expressions take 100,000 instructions for a number; an account writes to the same ones again and again.
    /// Two megabytes at most.
    private static let answers = Remembered<Question, Parsed?>(limit: 8_192)

    private static func parse(_ text: String, region: String?, judges: Bool = false) -> Parsed? {
        guard text.utf8.count <= longestText, !text.utf8.contains(0) else { return nil }
        return answers.value(of: Question(text: text, region: region, judges: judges)) {
            ask(text, region: region, judges: judges)
        }
    }

    private static func ask(_ text: String, region: String?, judges: Bool) -> Parsed? {
        var found = phone_number()
        guard phone_number_parse(text, region, judges ? 1 : 0, &found) == 1 else { return nil }
        let number = withUnsafeBytes(of: found.e164) { Self.text(of: $0) }
        return Parsed(
            e164: number, callingCode: Int(found.calling_code),
            nationalLength: Int(found.national_length), isPossible: found.is_possible == 1,
            isValid: found.is_valid == 1, isLine: found.is_line == 1,
            isItself: region == nil && number == text)
    }

    /// The text of a C array, which ends at the first NUL.
    private static func text(of bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
