import Foundation
import HTTPSMSWebhooks

/// An event in words, for people who read it in a chat.
package struct EventSummary: Sendable, Hashable {
    /// What happened, in one line.
    package let title: String
    /// The text of the message, and the addresses of its attachments; empty when there is none.
    package let message: String

    /// Puts `event` into words.
    package init(_ event: CloudEvent) {
        let payload = event.payload
        let title: String
        if case .unknown(let type, let data) = payload {
            let words = AlertWords(data)
            title = words?.title ?? type
            message = words?.message ?? ""
        } else {
            title = payload.title ?? payload.type
            let content = payload.isEncrypted ? "(encrypted)" : payload.content ?? ""
            message = ([content] + payload.attachments).filter { !$0.isEmpty }.joined(separator: "\n")
        }
        self.title = title.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    /// Title and message, a line each.
    package var text: String { message.isEmpty ? title : title + "\n" + message }
}

/// What the data of an alert says in words.
private struct AlertWords: Decodable {
    let title: String
    let message: String?

    /// Nil when it says nothing.
    init?(_ data: [UInt8]) {
        // What is no alert is an answer: then the type has to do.
        guard let words = try? JSONDecoder().decode(Self.self, from: Data(data)) else { return nil }
        self = words
    }
}
