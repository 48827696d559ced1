import Foundation
import HTTPSMSWebhooks
import JSON
import Wire

/// What an app sent, to be looked up by name or by pointer: the body, and the query for what the body does not have.
///
/// What the body is decides its first character, and not its `Content-Type`: apps send templates with any.
struct ForwardedFields: Sendable {
    /// Top-level names in lower case. Of two with one name the last counts.
    private var texts: [String: String] = [:]
    /// The body where it is JSON.
    private var document: [UInt8]?

    /// Reads a request.
    ///
    /// - Throws: ``ForwardedSMS/Refused`` for a body that cannot be read whatever is tried.
    init(query: String, contentType: String?, body: [UInt8]) throws(ForwardedSMS.Refused) {
        add(ForwardedText.fields(query.utf8, charset: nil))
        let type = HeaderParameters((contentType ?? "").utf8)
        if type.value == "multipart/form-data" {
            do {
                let form = try MultipartForm(body, contentType: contentType)
                add(
                    form.parts.map {
                        ($0.name, ForwardedText.decoded($0.bytes, charset: $0.charset))
                    })
            } catch {
                throw Self.unreadable("The form breaks off, or has too many parts.")
            }
            return
        }
        let text = ForwardedText.decoded(body, charset: type["charset"])
        let bytes = Array(text.utf8)
        let first = bytes.first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
        if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
            let json = try Self.json(bytes)
            document = json
            // An array has no names; a pointer may lead into it.
            for (name, value) in (try? JSONScanner.members(of: json)) ?? [] {
                guard let name = Self.text(name), let text = Self.text(value) else { continue }
                texts[name.lowercased()] = text
            }
        } else {
            // Piece by piece: an escape may stand for a part of a character.
            add(ForwardedText.fields(body, charset: type["charset"]))
        }
    }

    /// The text, number or truth value with this name, in lower case; nil when there is none.
    func value(named name: String) -> String? { texts[name] }

    /// The text, number or truth value at `pointer`; a form has its names at the top. Nil when it leads nowhere.
    func value(at pointer: JSONPointer) -> String? {
        guard let document else {
            return pointer.steps.count == 1 ? texts[pointer.steps[0].lowercased()] : nil
        }
        var value = document[...]
        for step in pointer.steps {
            guard let next = Self.value(step, of: Array(value)) else { return nil }
            value = next
        }
        return Self.text(value)
    }

    private mutating func add(_ fields: [(name: String, value: String)]) {
        for (name, value) in fields { texts[name.trimmed.lowercased()] = value }
    }

    private static func value(_ step: String, of json: [UInt8]) -> ArraySlice<UInt8>? {
        // Neither throws for what it was asked of before: the document was read as a whole.
        if let members = try? JSONScanner.members(of: json) {
            return members.last { text($0.name) == step }?.value
        }
        guard step.isDigits, let index = Int(step), let elements = try? JSONScanner.elements(of: json),
            elements.indices.contains(index)
        else { return nil }
        return elements[index]
    }

    /// The text of a string, a number or a truth value; nil for all others.
    private static func text(_ value: ArraySlice<UInt8>) -> String? {
        switch value.first {
        case UInt8(ascii: "\"") where !value.contains(UInt8(ascii: "\\")):
            return String(decoding: value.dropFirst().dropLast(), as: UTF8.self)
        case UInt8(ascii: "\""):
            // It was looked at before, so it is one.
            return try? JSONDecoder().decode([String].self, from: Data([0x5b] + value + [0x5d])).first
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "n"), nil: return nil
        default: return String(decoding: value, as: UTF8.self)
        }
    }

    /// The body as JSON: as it is, repaired, or with the text escaped that a template put between quotes as it was.
    private static func json(_ bytes: [UInt8]) throws(ForwardedSMS.Refused) -> [UInt8] {
        do throws(JSONBody.Fault) {
            return try checked(bytes)
        } catch .tooDeep, .tooManyValues {
            throw unreadable("The JSON is nested too deep, or has too many values.")
        } catch {
            // The first reading's fault is the one to tell.
            if let json = try? checked(LenientJSON.repaired(bytes)) { return json }
            if bytes.count <= longestEscaped {
                for name in ForwardedPart.content.names where bytes.firstRange(of: "\"\(name)\"".utf8) != nil {
                    if let escaped = LenientJSON.escapingText(of: name, besides: others, in: bytes),
                        let json = try? checked(escaped)
                    {
                        return json
                    }
                }
            }
            throw unreadable("The body begins like JSON and is none: put the text between quotes and escape it.")
        }
    }

    private static func checked(_ bytes: [UInt8]) throws(JSONBody.Fault) -> [UInt8] {
        let json = try JSONBody(bytes).bytes
        do {
            if bytes.first(where: { $0 > 0x20 }) == UInt8(ascii: "[") {
                _ = try JSONScanner.elements(of: json)
            } else {
                _ = try JSONScanner.members(of: json)
            }
            return json
        } catch {
            throw .invalid
        }
    }

    /// Each name is looked for in all of it.
    private static let longestEscaped = 64 << 10
    private static let others: [String] = [
        "from", "sender", "sentStamp", "receivedStamp", "sim", "timestamp", "receivedAt", "received_at", "date", "time",
        "card_slot", "id",
    ]

    private static func unreadable(_ sentence: String) -> ForwardedSMS.Refused {
        ForwardedSMS.Refused(sentence: sentence, readings: [])
    }
}
