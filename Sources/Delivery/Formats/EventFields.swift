import Foundation
import HTTPSMSWebhooks
import JSON

/// The members of an event's data, in their order, as text and as JSON.
struct EventFields {
    /// A member.
    struct Field {
        let name: String
        let value: Value
        let json: [UInt8]
    }

    /// What a member holds. Nothing in the data of an event is deeper.
    enum Value {
        case null
        case flag(Bool)
        /// Text, or a number as it is written.
        case text(String)
        case list([String])

        /// The value as text; a list has an entry for each.
        var texts: [String] {
            switch self {
            case .null: []
            case .flag(let isTrue): [isTrue ? "true" : "false"]
            case .text(let text): [text]
            case .list(let texts): texts
            }
        }
    }

    let fields: [Field]

    /// Reads the data of `event`.
    init(_ event: CloudEvent) throws(PayloadFault) {
        do {
            let data = event.payload.encodedJSON()
            fields = try (data.isEmpty || data == Array("null".utf8) ? [] : JSONScanner.members(of: data)).map {
                name, json in
                Field(name: try Self.text(name), value: try Self.value(json), json: Array(json))
            }
        } catch {
            throw .event("\(error)")
        }
    }

    private static func value(_ json: ArraySlice<UInt8>) throws -> Value {
        switch json.first {
        case UInt8(ascii: "\""): .text(try text(json))
        case UInt8(ascii: "n"): .null
        case UInt8(ascii: "t"): .flag(true)
        case UInt8(ascii: "f"): .flag(false)
        case UInt8(ascii: "["):
            .list(
                try JSONScanner.elements(of: Array(json)).map {
                    $0.first == UInt8(ascii: "\"") ? try text($0) : String(decoding: $0, as: UTF8.self)
                })
        default: .text(String(decoding: json, as: UTF8.self))
        }
    }

    private static func text(_ json: ArraySlice<UInt8>) throws -> String {
        try JSONDecoder().decode(String.self, from: Data(json))
    }
}
