/// A JSON value, to be written as a literal and compared as a whole.
///
/// ```swift
/// let answer: JSON = ["data": ["id": "1"], "status": "success"]
/// answer["data"]["id"].string == "1"
/// ```
package enum JSON: Sendable, Hashable {
    /// What a member that is not there gives; unlike ``null``, which is there.
    case absent
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    /// The member `name`; ``absent`` when there is none, or this is not an object.
    package subscript(_ name: String) -> JSON {
        if case .object(let members) = self { members[name] ?? .absent } else { .absent }
    }

    /// The element at `index`; ``absent`` when there is none, or this is no array.
    package subscript(_ index: Int) -> JSON {
        array.indices.contains(index) ? array[index] : .absent
    }

    /// The text of a string; empty for anything else.
    package var string: String {
        if case .string(let text) = self { text } else { "" }
    }

    /// The elements of an array; empty for anything else.
    package var array: [JSON] {
        if case .array(let elements) = self { elements } else { [] }
    }

    /// The members of an object; empty for anything else.
    package var object: [String: JSON] {
        if case .object(let members) = self { members } else { [:] }
    }

    /// This object with the members of `other` put in; one that is ``absent`` there is taken out.
    package func with(_ other: [String: JSON]) -> JSON {
        .object(object.merging(other) { $1 }.filter { $0.value != .absent })
    }
}

extension JSON: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        // Each `try?` asks whether the value has this type; the last one throws when it has none.
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .int(value)
        } else if let value = try? container.decode(Double.self) {
            self = .double(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSON].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSON].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .absent, .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        case .double(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

/// `nil` is `null`, where an optional `JSON` is meant, write `JSON?.none`.
extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    package init(nilLiteral: ()) { self = .null }

    package init(booleanLiteral value: Bool) { self = .bool(value) }

    package init(integerLiteral value: Int) { self = .int(value) }

    package init(floatLiteral value: Double) { self = .double(value) }

    package init(stringLiteral value: String) { self = .string(value) }

    package init(arrayLiteral elements: JSON...) { self = .array(elements) }

    package init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(Dictionary(elements) { $1 })
    }
}

extension JSON: CustomStringConvertible {
    /// The value as a test prints it, members sorted.
    package var description: String {
        switch self {
        case .absent: "absent"
        case .null: "null"
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let value): "\"\(value)\""
        case .array(let value): "[\(value.map(\.description).joined(separator: ", "))]"
        case .object(let value):
            "{\(value.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", "))}"
        }
    }
}
