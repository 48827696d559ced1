import Foundation

/// The digits of a number without its sign, as spreadsheets count them: 15 significant ones, rounded half up.
///
/// A cell with 1.1 may be stored as 1.1000000000000001, and shows 1.1.
struct DecimalDigits: Sendable {
    /// 15 digits, the first of which is not 0 but for zero.
    private let digits: [UInt8]
    /// Of ten, by which the first digit counts.
    private let exponent: Int

    private init(digits: [UInt8], exponent: Int) {
        self.digits = digits
        self.exponent = exponent
    }

    /// Nil when it is not a finite number.
    init?(_ number: Double) {
        guard number.isFinite else { return nil }
        let text = String(format: "%.14e", abs(number))
        let parts = text.split(separator: "e")
        guard parts.count == 2, let exponent = Int(parts[1]) else { return nil }
        digits = parts[0].utf8.filter { $0 != 0x2e }.map { $0 - 0x30 }
        self.exponent = exponent
    }

    /// The number times 10 to the power of `places`.
    func shifted(by places: Int) -> DecimalDigits { DecimalDigits(digits: digits, exponent: exponent + places) }

    /// The digits before the point, none for 0, and `decimals` of those after it.
    func rounded(to decimals: Int) -> (whole: [Character], fraction: [Character]) {
        // Those that count, with one 0 before them for what is carried over.
        let kept = exponent + 1 + decimals
        var shown: [UInt8] = [0]
        if kept >= 0 {
            shown += (0..<kept).map { $0 < digits.count ? digits[$0] : 0 }
            if kept < digits.count, digits[kept] >= 5 {
                var index = shown.count - 1
                while shown[index] == 9 {
                    shown[index] = 0
                    index -= 1
                }
                shown[index] += 1
            }
        }
        if shown.count < decimals + 1 { shown = Array(repeating: 0, count: decimals + 1 - shown.count) + shown }
        let characters = shown.map { Character(Unicode.Scalar($0 + 0x30)) }
        let whole = characters.dropLast(decimals).drop { $0 == "0" }
        return (Array(whole), Array(characters.suffix(decimals)))
    }

    /// As the format `General` shows it in a wide cell: whole numbers of up to 15 digits in full, so that a long number does
    /// not become 1.23E+14, and decimals within 11 characters. Nil for what takes an exponent there.
    var general: String? {
        if digits.allSatisfy({ $0 == 0 }) { return "0" }
        let significant = (digits.lastIndex { $0 != 0 } ?? 0) + 1
        if exponent >= 15 { return nil }
        if significant <= exponent + 1 { return text(decimals: 0) }
        switch exponent {
        case 11...: return nil
        case 0...10: return text(decimals: max(0, 9 - exponent))
        case -4 ... -1: return text(decimals: 9)
        // 0.00001 is shown in full as long as it is short.
        default: return significant - 1 - exponent <= 9 ? text(decimals: 9) : nil
        }
    }

    /// Without zeros at the end.
    private func text(decimals: Int) -> String {
        let (whole, fraction) = rounded(to: decimals)
        let needed = fraction[..<((fraction.lastIndex { $0 != "0" } ?? -1) + 1)]
        return String(whole.isEmpty ? ["0"] : whole) + (needed.isEmpty ? "" : "." + String(needed))
    }
}
