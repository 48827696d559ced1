import Foundation
import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import NIOFoundationCompat
import Storage
import Wire

extension RequestBody {
    /// 1 MiB is more than any route needs that takes no files.
    static let usualLimit = 1 << 20
}

extension UploadQueue? {
    /// Runs `body`, which reads `bytes` of `userID`: in the queue when they are many, as a shared thread that is kept
    /// for a tenth of a second keeps everybody's requests waiting. Without a queue, it runs here.
    ///
    /// - Throws: ``ServerBusy``; what `body` throws.
    func reading<Value: Sendable>(
        _ bytes: ByteBuffer, of userID: UserID, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        guard let self, bytes.readableBytes > BodyMemory.smallBody else { return try body() }
        return try await self.run(for: .init(userID: userID, channel: nil)) { _ in try body() }
    }
}

extension IdempotentContext {
    /// Runs `body`, which reads `bytes`, in the queue of uploads when they are many.
    ///
    /// - Throws: ``ServerBusy``; what `body` throws.
    func reading<Value: Sendable>(
        _ bytes: ByteBuffer, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await uploads.reading(bytes, of: identity.userID, body)
    }
}

extension Request {
    /// Reads the body as JSON of at most `limit` bytes.
    ///
    /// Member names are matched without regard to case, unknown ones ignored, `null` means absent. Depth,
    /// number of values and NUL: see ``JSONBody``.
    ///
    /// - Throws: ``Refusal`` `.malformed` naming the member that cannot be read, `NIOTooManyBytesError` above the limit,
    ///   ``ServerBusy`` when too many large ones are read.
    func decode<Value: Decodable & Sendable>(
        _ type: Value.Type, in context: some IdempotentContext, limit: Int = RequestBody.usualLimit
    ) async throws -> Value {
        try await readJSON(in: context, limit: limit) { try Self.decoded($0) }
    }

    /// Reads the body of a phone's report: as ``decode(_:in:limit:)``, and leniently when it cannot be read so.
    func decodeReport<Value: Decodable & Sendable>(
        _ type: Value.Type, freeText: String, besides others: [String], in context: some IdempotentContext,
        limit: Int = RequestBody.usualLimit
    ) async throws -> Value {
        try await readJSON(in: context, limit: limit) {
            try Self.decodedLeniently($0, freeText: freeText, besides: others)
        }
    }

    private func readJSON<Value: Sendable>(
        in context: some IdempotentContext, limit: Int, _ read: @escaping @Sendable (ByteBuffer) throws -> Value
    ) async throws -> Value {
        guard Self.isJSON(headers[.contentType]) else {
            throw Refusal.malformed("the Content-Type header must be application/json")
        }
        let buffer = try await body.collect(upTo: limit)
        return try await context.reading(buffer) { try read(buffer) }
    }

    /// Reads JSON as ``decode(_:in:limit:)`` does.
    static func decoded<Value: Decodable>(_ buffer: ByteBuffer) throws -> Value {
        do {
            return try value(buffer.readableBytesView)
        } catch {
            throw Refusal.malformed(error.reason)
        }
    }

    /// Reads JSON of a phone, which forgets what is refused: what cannot be read at first is read once more, leniently.
    ///
    /// - Parameters:
    ///   - buffer: The body.
    ///   - freeText: The member that some clients do not escape.
    ///   - others: All other members.
    /// - Returns: What the body says, as the first reading that succeeds has it.
    /// - Throws: ``Refusal`` `.malformed` with the reason of the first reading.
    static func decodedLeniently<Value: Decodable>(
        _ buffer: ByteBuffer, freeText: String, besides others: [String]
    ) throws -> Value {
        do {
            return try value(buffer.readableBytesView)
        } catch {
            let bytes = Array(buffer.readableBytesView)
            // The first reading's fault is the one to tell.
            if let value: Value = try? value(LenientJSON.repaired(bytes)) { return value }
            if let escaped = LenientJSON.escapingText(of: freeText, besides: others, in: bytes),
                let value: Value = try? value(escaped)
            {
                return value
            }
            throw Refusal.malformed(error.reason)
        }
    }

    private static func value<Value: Decodable>(
        _ bytes: some Collection<UInt8>
    ) throws(JSONBody.Fault) -> Value {
        let json = try JSONBody(bytes)
        do {
            return try decoder.decode(Value.self, from: Data(json.bytes))
        } catch let error as DecodingError {
            guard let reason = reason(error) else { return try value(readingIntegersOf: json) }
            throw .member(reason)
        } catch {
            throw .invalid
        }
    }

    /// A decoder says of a number that is not an integer, where one is expected, that the whole is not JSON. Where `true` stands
    /// in its place it names the member.
    private static func value<Value: Decodable>(readingIntegersOf json: JSONBody) throws(JSONBody.Fault) -> Value {
        do {
            return try decoder.decode(Value.self, from: Data(json.withoutFractions))
        } catch let error as DecodingError {
            throw reason(error).map { .member($0) } ?? .invalid
        } catch {
            throw .invalid
        }
    }

    /// Reads a body that may be missing altogether, as that of an action; nil then.
    ///
    /// - Throws: As ``decode(_:in:limit:)`` when there is one.
    func decodeIfPresent<Value: Decodable & Sendable>(
        _ type: Value.Type, in context: some IdempotentContext
    ) async throws -> Value? {
        let buffer = try await body.collect(upTo: RequestBody.usualLimit)
        if buffer.readableBytes == 0 { return nil }
        var request = self
        request.body = RequestBody(buffer: buffer)
        return try await request.decode(type, in: context)
    }

    /// Whether a body of this type is JSON.
    static func isJSON(_ contentType: String?) -> Bool {
        guard let type = contentType?.split(separator: ";").first?.trimmed.lowercased() else { return false }
        return type == "application/json" || type.hasSuffix("+json")
    }

    private static let decoder: JSONDecoder = {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .custom { path in
            let key = path[path.count - 1]
            return key.intValue == nil ? MemberName(wire: key.stringValue) : key
        }
        return decoder
    }()

    /// What is wrong, for whoever sent the body; nil when it is not JSON.
    private static func reason(_ error: DecodingError) -> String? {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            "\(path(context.codingPath)) has the wrong type"
        case .keyNotFound(let key, _): "\(path([key])) is missing"
        case .dataCorrupted(let context) where context.codingPath.isEmpty: nil
        case .dataCorrupted(let context): "\(path(context.codingPath)) is \(context.debugDescription)"
        @unknown default: "the body cannot be read"
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.isEmpty
            ? "the body"
            : keys.map { $0.intValue.map { "[\($0)]" } ?? MemberName.wire($0.stringValue) }.joined(separator: ".")
    }
}

/// The name of a member: wire names are `snake_case`, ours `camelCase` with `ID` in capitals.
struct MemberName: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }

    init?(intValue: Int) { nil }

    /// `Request_ID` as `requestID`.
    init(wire name: String) {
        let words = name.lowercased().split(separator: "_", omittingEmptySubsequences: false)
        stringValue = words.dropFirst().reduce(into: String(words.first ?? "")) { text, word in
            text += word == "id" ? "ID" : word.prefix(1).uppercased() + word.dropFirst()
        }
    }

    /// `requestID` as `request_id`.
    static func wire(_ name: String) -> String {
        name.replacing("ID", with: "Id").reduce(into: "") { text, character in
            text += character.isUppercase ? "_" + character.lowercased() : String(character)
        }
    }
}

/// A member of a partial update: what is absent stays, an explicit null clears.
package enum Patch<Value: Decodable & Sendable>: Sendable {
    case absent
    case null
    case value(Value)

    /// The value; nil when absent or null.
    var value: Value? {
        if case .value(let value) = self { value } else { nil }
    }

    /// Whether the member was not there at all.
    var isAbsent: Bool {
        if case .absent = self { true } else { false }
    }

    /// What `current` becomes.
    func applied(to current: Value?) -> Value? {
        switch self {
        case .absent: current
        case .null: nil
        case .value(let value): value
        }
    }
}

extension KeyedDecodingContainer {
    /// Reads a member of a partial update.
    func patch<Value>(_ type: Value.Type = Value.self, forKey key: Key) throws -> Patch<Value> {
        if !contains(key) { return .absent }
        if try decodeNil(forKey: key) { return .null }
        return .value(try decode(Value.self, forKey: key))
    }
}
