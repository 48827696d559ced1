#if canImport(Darwin)
    import Foundation
#else
    import FoundationEssentials
#endif
import JSON
import Timestamps

extension CloudEvent {
    /// Reads an event from a request body in CloudEvents 1.0 structured JSON.
    ///
    /// Members of the envelope come in any order, and extension attributes are ignored. A type that this version does not
    /// know is kept as ``EventPayload/unknown(type:data:)``. The data of a known type must be complete; further members in
    /// it are ignored. `time` is required here, although CloudEvents makes it optional.
    ///
    /// Texts are read as the gateway reads them: U+FFFD stands for NUL and for half a surrogate pair, and runs of more than 30
    /// combining marks are broken by U+034F, as comparing them would take the square of their length.
    ///
    /// - Throws: what is wrong with the body, at the first fault found.
    public init(decoding body: some Sequence<UInt8>) throws(CloudEventError) {
        let envelope = try Envelope(body: Array(body))
        let version = try envelope.text("specversion")
        guard version == "1.0" else { throw .unsupportedVersion(version) }
        id = try envelope.text("id")
        source = try envelope.text("source")
        let type = try envelope.text("type")
        if envelope.has("datacontenttype") {
            let contentType = try envelope.text("datacontenttype")
            guard Self.isJSON(contentType) else {
                throw .invalid(
                    attribute: "datacontenttype", reason: "it is \"\(contentType)\", not \"application/json\"")
            }
        }
        guard let time = Timestamp(rfc3339: try envelope.text("time")) else {
            throw .invalid(attribute: "time", reason: "it is not an RFC 3339 time with an offset")
        }
        self.time = time
        guard !envelope.has("data_base64") else {
            throw .invalid(attribute: "data_base64", reason: "the data of httpSMS events is JSON")
        }
        payload = try EventPayload(type: type, data: envelope.json("data"))
    }

    private static func isJSON(_ contentType: String) -> Bool {
        let mediaType = contentType.prefix { $0 != ";" }.lowercased()
        return mediaType.split(separator: " ") == ["application/json"]
    }
}

extension EventPayload {
    /// Reads the data of one type; nil stands for an absent member.
    fileprivate init(type: String, data: ArraySlice<UInt8>?) throws(CloudEventError) {
        guard let eventType = EventType(rawValue: type) else {
            self = .unknown(type: type, data: Array(data ?? []))
            return
        }
        guard let data else { throw .missing(attribute: "data") }
        self = try eventType.declaration.decode(data)
    }
}

extension EventData {
    /// Reads the data of an event of `type`.
    init(json: ArraySlice<UInt8>, of type: String) throws(CloudEventError) {
        do {
            self = try JSONDecoder().decode(Self.self, fromAnswer: Array(json))
        } catch let error as DecodingError {
            throw CloudEventError(error, type: type)
        } catch {
            throw .invalidData(type: type, path: "", reason: "it cannot be decoded")
        }
    }
}

extension CloudEventError {
    fileprivate init(_ error: DecodingError, type: String) {
        let (path, reason): ([any CodingKey], String) =
            switch error {
            case .keyNotFound(let key, let context): (context.codingPath + [key], "it is absent")
            case .valueNotFound(_, let context): (context.codingPath, "it is null")
            case .typeMismatch(_, let context): (context.codingPath, "it is of another JSON type")
            case .dataCorrupted(let context): (context.codingPath, "its value is not allowed")
            @unknown default: ([], "it cannot be decoded")
            }
        self = .invalidData(type: type, path: path.map(\.stringValue).joined(separator: "."), reason: reason)
    }
}

/// The members of the outermost object, each as the bytes of its value.
private struct Envelope {
    private let members: [String: ArraySlice<UInt8>]

    init(body: [UInt8]) throws(CloudEventError) {
        var members: [String: ArraySlice<UInt8>] = [:]
        for (name, value) in try Self.scan(body) {
            let name = try Self.text(name, of: "name of a member")
            // RFC 8259 section 4 leaves the meaning of a repeated name open; two readers must not see two events.
            guard members.updateValue(value, forKey: name) == nil else {
                throw .invalid(attribute: name, reason: "it occurs twice")
            }
        }
        self.members = members
    }

    private static func scan(
        _ body: [UInt8]
    ) throws(CloudEventError) -> [(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] {
        do {
            return try JSONScanner.members(of: body)
        } catch {
            switch error {
            case .malformed(let reason, let offset): throw .malformedJSON(reason: reason, offset: offset)
            case .notAnObject: throw .notAnObject
            }
        }
    }

    func has(_ name: String) -> Bool {
        members[name] != nil
    }

    /// The value of a member as it arrived; nil when it is absent.
    func json(_ name: String) -> ArraySlice<UInt8>? {
        members[name]
    }

    /// The value of a member that must be non-empty text.
    func text(_ name: String) throws(CloudEventError) -> String {
        guard let value = members[name] else { throw .missing(attribute: name) }
        let text = try Self.text(value, of: name)
        guard !text.isEmpty else { throw .invalid(attribute: name, reason: "it is empty") }
        return text
    }

    private static func text(_ json: ArraySlice<UInt8>, of name: String) throws(CloudEventError) -> String {
        do {
            return try JSONDecoder().decode(String.self, fromAnswer: Array(json))
        } catch {
            throw .invalid(attribute: name, reason: "it is not a string")
        }
    }
}
