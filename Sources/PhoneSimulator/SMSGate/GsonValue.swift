/// JSON as the SMSGate app writes it: Gson, compact, members in their order, absent instead of null, HTML escaped.
package indirect enum GsonValue: Hashable, Sendable {
    case text(String)
    case number(Int64)
    case bool(Bool)
    case array([GsonValue])
    /// Members in order; one whose value is nil is left out, as Gson does by default.
    case object([Member])

    /// One member of an object.
    package struct Member: Hashable, Sendable {
        let name: String
        let value: GsonValue?
    }

    /// An object of these members.
    static func members(_ members: KeyValuePairs<String, GsonValue?>) -> GsonValue {
        .object(members.map { Member(name: $0.key, value: $0.value) })
    }

    /// The text of it, without white space.
    package var json: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to json: inout String) {
        switch self {
        case .text(let text): Self.quote(text, into: &json)
        case .number(let number): json += "\(number)"
        case .bool(let bool): json += bool ? "true" : "false"
        case .array(let values):
            json += "["
            for (index, value) in values.enumerated() {
                if index > 0 { json += "," }
                value.write(to: &json)
            }
            json += "]"
        case .object(let members):
            json += "{"
            var isFirst = true
            for member in members {
                guard let value = member.value else { continue }
                if !isFirst { json += "," }
                isFirst = false
                Self.quote(member.name, into: &json)
                json += ":"
                value.write(to: &json)
            }
            json += "}"
        }
    }

    /// Gson's `JsonWriter` with `htmlSafe`: these are escaped, everything else stays, slashes too.
    private static func quote(_ text: String, into json: inout String) {
        json += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": json += "\\\""
            case "\\": json += "\\\\"
            case "\t": json += "\\t"
            case "\u{8}": json += "\\b"
            case "\n": json += "\\n"
            case "\r": json += "\\r"
            case "\u{c}": json += "\\f"
            case "<", ">", "&", "=", "'", "\u{2028}", "\u{2029}", "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                json += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: json.unicodeScalars.append(scalar)
            }
        }
        json += "\""
    }
}
