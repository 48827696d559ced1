import Wire

/// How many SMS a text takes: 160 characters of the GSM alphabet fit into one and 153 into each of many, those of its
/// extension count twice; 70 and 67 UTF-16 units where one character is of neither (3GPP TS 23.038). `dashboard.js` counts
/// the same while somebody types.
package struct SMSParts: Sendable, Hashable {
    /// As the phone counts them.
    let characters: Int
    let count: Int

    /// Counts `text`, scalar by scalar.
    package init(_ text: String) {
        var (units, septets, isGSM) = (0, 0, true)
        for scalar in text.unicodeScalars {
            units += UTF16.width(scalar)
            let isExtended = Self.extended.contains(scalar)
            isGSM = isGSM && (isExtended || Self.alphabet.contains(scalar))
            septets += isExtended ? 2 : 1
        }
        characters = isGSM ? septets : units
        let (one, many) = isGSM ? (160, 153) : (70, 67)
        count = characters <= one ? 1 : (characters + many - 1) / many
    }

    /// Counts what a field of a form holds: browsers end its lines with two characters, of which an SMS has one.
    package init(ofField text: String) { self.init(text.replacingBytes("\r\n", with: "\n")) }

    /// For people.
    package var words: String { "\(characters) characters, \(count) SMS" }

    private static let extended = Set("\u{c}^{}\\[~]|€".unicodeScalars)
    private static let alphabet = Set(
        (UInt8(ascii: " ")...UInt8(ascii: "~")).map { Unicode.Scalar($0) }.filter {
            !"`^{}\\[~]|".unicodeScalars.contains($0)
        }
            + "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà".unicodeScalars)
}
