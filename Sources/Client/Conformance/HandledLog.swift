import Foundation
import HTTPSMSWebhooks
import JSON

/// A line that a receiver under test writes for an event that it handled; see `docs/recipes.md`.
struct HandledEvent: Codable, Hashable, Sendable {
    var id: String
    var type: String
    var messageID: String?
    var requestID: String?
    var content: String?

    enum CodingKeys: String, CodingKey {
        case id, type
        case messageID = "message_id"
        case requestID = "request_id"
        case content
    }

    /// What is wrong with this line where `expected` should stand; nil when nothing is.
    func fault(expected: HandledEvent, withContent: Bool) -> String? {
        if type != expected.type { return "handled as \(type), must be \(expected.type)" }
        if messageID != expected.messageID {
            return "handled with message_id \(messageID ?? "null"), must be \(expected.messageID ?? "null")"
        }
        if requestID != expected.requestID {
            return "handled with request_id \(requestID ?? "null"), must be \(expected.requestID ?? "null")"
        }
        if withContent, content != expected.content {
            return content == nil ? "handled without its content" : "handled with a content that was not sent"
        }
        return nil
    }
}

extension HandledEvent {
    /// What a receiver has to make of `event`, whose text is `content` when it is decrypted.
    init(_ event: CloudEvent, content decrypted: String? = nil) {
        id = event.id
        type = event.payload.type
        messageID = event.payload.messageID
        requestID = event.payload.requestID
        content = decrypted ?? event.payload.content
    }
}

/// The file that a receiver under test writes its lines to, from where it ended when the run began.
struct HandledLog: Sendable {
    private let path: String
    private let start: UInt64

    /// - Throws: ``ClientFailure`` when the file cannot be read.
    init(path: String) throws(ClientFailure) {
        self.path = path
        do {
            let file = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { file.closeFile() }
            start = try file.seekToEnd()
        } catch {
            throw ClientFailure(
                .usage, "--handled-log: \(path) cannot be read; start the receiver with its output there")
        }
    }

    /// The events handled since, by id; a line that is incomplete, or not such JSON, is left out.
    func events() -> [String: [HandledEvent]] {
        // A file that is gone has no lines: every expectation of it fails, with its name.
        guard let file = FileHandle(forReadingAtPath: path) else { return [:] }
        defer { file.closeFile() }
        guard (try? file.seek(toOffset: start)) != nil, let text = try? file.readToEnd() else { return [:] }
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
        let events = lines.compactMap { try? JSONDecoder().decode(HandledEvent.self, fromAnswer: Array($0)) }
        return Dictionary(grouping: events, by: \.id)
    }
}
