/// How a cell of a workbook shows a number (ECMA-376 part 1, section 18.8.31), as far as every program shows it alike: digits,
/// decimals, groups, percent, zeros before a number, signs of currencies, and text around it.
///
/// Decimals come after a point and groups before a comma, as the file has them; a program may show others to its user.
struct NumberFormat: Sendable {
    /// As the workbook has it, such as `#,##0.00 "€"`.
    let code: String
    /// Whether it shows a number as a date or a time of day.
    let isDate: Bool
    /// For numbers above zero, below, and zero, in this order, as far as there are; nil for what cannot be told.
    private let sections: [Section]?
    /// For text; nil shows it as it is.
    private let textSection: Section?

    /// What a cell without a format has.
    static let general = NumberFormat("General")

    init(_ code: String) {
        self.code = code
        // Excel takes codes of 255 characters.
        let parts = code.utf8.count <= 1_024 ? Self.split(code.isEmpty ? "General" : code) : []
        isDate = Self.isDate(code)
        var sections = parts.map { Section($0) }
        let last = sections.last.flatMap { $0 }
        if sections.count == 4 || last?.showsText == true, let section = last {
            textSection = section
            if sections.count > 1 { sections.removeLast() }
        } else {
            textSection = nil
        }
        let known = sections.compactMap(\.self)
        self.sections = (1...3).contains(sections.count) && known.count == sections.count ? known : nil
    }

    /// What a cell with `number` shows; nil when that cannot be told.
    func shown(_ number: Double) -> String? {
        guard !isDate, let sections, let digits = DecimalDigits(number) else { return nil }
        if sections.count == 1 {
            // A number below zero has a sign of its own only where no section is for it.
            return sections[0].shown(digits).map { number < 0 ? "-\($0)" : $0 }
        }
        let index = number > 0 ? 0 : number < 0 ? 1 : sections.count == 3 ? 2 : 0
        return sections[index].shown(digits)
    }

    /// What a cell with `text` shows.
    func shown(_ text: String) -> String { textSection?.shown(text) ?? text }

    /// Parts between semicolons, those in quotes and brackets and behind a backslash aside.
    private static func split(_ code: String) -> [[Unicode.Scalar]] {
        var parts: [[Unicode.Scalar]] = [[]]
        var end: Unicode.Scalar?
        var isEscaped = false
        for scalar in code.unicodeScalars {
            if isEscaped {
                isEscaped = false
            } else if let closing = end {
                if scalar == closing { end = nil }
            } else if scalar == ";" {
                parts.append([])
                continue
            } else if scalar == "\"" || scalar == "[" {
                end = scalar == "[" ? "]" : "\""
            } else {
                isEscaped = scalar == "\\" || scalar == "_" || scalar == "*"
            }
            parts[parts.count - 1].append(scalar)
        }
        return parts
    }

    /// Whether a format such as `yyyy-mm-dd` or `[$-409]d/m/yy` shows a date: literals, colours and conditions aside.
    private static func isDate(_ code: String) -> Bool {
        var rest = code.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\"": rest = rest.drop { $0 != "\"" }.dropFirst()
            case "[":
                let text = rest.prefix { $0 != "]" }
                // A duration such as `[h]:mm` is not a time of any day.
                if !text.isEmpty, text.allSatisfy({ "hmsHMS".unicodeScalars.contains($0) }) { return false }
                rest = rest[text.endIndex...].dropFirst()
            case "\\", "_", "*": rest = rest.dropFirst()
            case "d", "m", "y", "h", "s", "D", "M", "Y", "H", "S": return true
            default: break
            }
        }
        return false
    }

    /// One of the parts between semicolons.
    private struct Section: Sendable {
        private enum Piece: Sendable, Equatable {
            case literal(String)
            /// `0`, `#` or `?`
            case digit(Unicode.Scalar)
            case point
            case general
            case text
        }

        private var pieces: [Piece] = []
        private var percents = 0
        private var isGrouped = false

        var showsText: Bool { pieces.contains(.text) }

        /// Reads a part; nil when it has what this does not know: exponents, fractions, conditions, durations, thousands.
        init?(_ code: [Unicode.Scalar]) {
            var rest = code[...]
            var wasDigit = false
            while let scalar = rest.popFirst() {
                let isDigit = scalar == "0" || scalar == "#" || scalar == "?"
                defer { wasDigit = isDigit }
                switch scalar {
                case "0", "#", "?": pieces.append(.digit(scalar))
                case ".":
                    guard !pieces.contains(.point) else { return nil }
                    pieces.append(.point)
                case ",":
                    // Behind the last digit it divides by a thousand.
                    guard wasDigit, !pieces.contains(.point), let next = rest.first, "0#?".unicodeScalars.contains(next)
                    else { return nil }
                    isGrouped = true
                case "%":
                    percents += 1
                    pieces.append(.literal("%"))
                case "@": pieces.append(.text)
                case "\"":
                    let text = rest.prefix { $0 != "\"" }
                    rest = rest[text.endIndex...].dropFirst()
                    pieces.append(.literal(String(String.UnicodeScalarView(text))))
                case "\\":
                    guard let next = rest.popFirst() else { return nil }
                    pieces.append(.literal(String(next)))
                case "_":
                    _ = rest.popFirst()
                    pieces.append(.literal(" "))
                // What fills the cell up to its width.
                case "*": _ = rest.popFirst()
                case "[":
                    let text = String(String.UnicodeScalarView(rest.prefix { $0 != "]" }))
                    rest = rest.drop { $0 != "]" }.dropFirst()
                    guard let literal = Self.literal(inBrackets: text) else { return nil }
                    pieces.append(.literal(literal))
                case "G", "g":
                    guard rest.starts(with: "eneral".unicodeScalars) || rest.starts(with: "ENERAL".unicodeScalars)
                    else { return nil }
                    rest = rest.dropFirst(6)
                    pieces.append(.general)
                case "$", "-", "+", "(", ")", ":", "!", "^", "&", "'", "~", "{", "}", "<", ">", "=", " ":
                    pieces.append(.literal(String(scalar)))
                default:
                    // Letters are codes, `/` is a fraction; signs of currencies and the like stand for themselves.
                    guard !scalar.isASCII else { return nil }
                    pieces.append(.literal(String(scalar)))
                }
            }
            let hasDigits = pieces.contains { if case .digit = $0 { true } else { false } }
            let isNumber = hasDigits || pieces.contains(.point)
            if isNumber, pieces.contains(.general) || pieces.contains(.text) { return nil }
        }

        /// What `[$€-407]` and `[Red]` show; nil for conditions, durations and other digits.
        private static func literal(inBrackets text: String) -> String? {
            if text.hasPrefix("$") { return String(text.dropFirst().prefix { $0 != "-" }) }
            let name = text.lowercased()
            let colours = ["black", "blue", "cyan", "green", "magenta", "red", "white", "yellow"]
            return colours.contains(name) || name.hasPrefix("color") ? "" : nil
        }

        func shown(_ text: String) -> String {
            pieces.map { piece in
                switch piece {
                case .literal(let literal): literal
                case .text, .general: text
                case .digit, .point: ""
                }
            }.joined()
        }

        /// A number without its sign; nil when it needs an exponent.
        func shown(_ number: DecimalDigits) -> String? {
            if pieces.contains(.general) || pieces.contains(.text) { return number.general.map(shown) }
            let point = pieces.firstIndex(of: .point) ?? pieces.endIndex
            let wholes = pieces[..<point].count { if case .digit = $0 { true } else { false } }
            let decimals = pieces[point...].count { if case .digit = $0 { true } else { false } }
            let (whole, fraction) = number.shifted(by: 2 * percents).rounded(to: decimals)
            // More digits than places stand at the first place.
            var left = max(whole.count, wholes)
            var text = ""
            var isFirst = true
            for piece in pieces[..<point] {
                guard case .digit(let place) = piece else {
                    if case .literal(let literal) = piece { text += literal }
                    continue
                }
                let last = isFirst ? wholes - 1 : left - 1
                isFirst = false
                while left > last {
                    left -= 1
                    guard left < whole.count || place == "0" else {
                        if place == "?" { text += " " }
                        continue
                    }
                    text.append(left < whole.count ? whole[whole.count - 1 - left] : "0")
                    if isGrouped, left > 0, left.isMultiple(of: 3) { text += "," }
                }
            }
            // Of a format such as `.00`.
            if wholes == 0, decimals > 0 { text += String(whole) }
            return text + Self.decimals(fraction, pieces[point...])
        }

        private static func decimals(_ fraction: [Character], _ pieces: ArraySlice<Piece>) -> String {
            let needed = (fraction.lastIndex { $0 != "0" } ?? -1) + 1
            var (text, index) = ("", 0)
            for piece in pieces {
                switch piece {
                case .literal(let literal): text += literal
                case .point: text += "."
                case .digit(let place):
                    if index < needed || place == "0" {
                        text.append(fraction[index])
                    } else if place == "?" {
                        text += " "
                    }
                    index += 1
                case .general, .text: break
                }
            }
            return text
        }
    }
}
