import Foundation
import HTTPSMSWebhooks
import Timestamps

/// An event in words, for people who read it in a chat.
package struct EventSummary: Sendable, Hashable {
    /// What happened, in one line.
    package let title: String
    /// The text of the message, and the addresses of its attachments; empty when there is none.
    package let message: String

    /// Puts `event` into words.
    package init(_ event: CloudEvent) {
        switch event.payload {
        case .messageReceived(let data):
            title = "SMS from \(data.contact) to \(data.owner)"
            let content = Self.content(data.content, isEncrypted: data.isEncrypted)
            message = ([content] + data.attachments).filter { !$0.isEmpty }.joined(separator: "\n")
        case .messageSent(let data):
            title = "SMS from \(data.owner) to \(data.contact) was sent"
            message = Self.content(data.content, isEncrypted: data.isEncrypted)
        case .messageDelivered(let data):
            title = "SMS from \(data.owner) to \(data.contact) was delivered"
            message = Self.content(data.content, isEncrypted: data.isEncrypted)
        case .messageFailed(let data):
            title = "SMS from \(data.owner) to \(data.contact) failed: \(data.errorMessage)"
            message = Self.content(data.content, isEncrypted: data.isEncrypted)
        case .messageExpired(let data):
            let next = data.isFinal ? "" : " and will be tried again"
            title = "SMS from \(data.owner) to \(data.contact) was not sent in time\(next)"
            message = Self.content(data.content, isEncrypted: data.isEncrypted)
        case .callMissed(let data):
            title = "Missed call from \(data.contact) to \(data.owner)"
            message = ""
        case .heartbeatOffline(let data):
            title = "Phone \(data.owner) is offline, last heard at \(data.lastHeartbeatTimestamp.rfc3339)"
            message = ""
        case .heartbeatOnline(let data):
            title = "Phone \(data.owner) is online again"
            message = ""
        case .unknown(let type, let data):
            let words = AlertWords(data)
            title = words?.title ?? type
            message = words?.message ?? ""
        }
    }

    /// Title and message, a line each.
    package var text: String { message.isEmpty ? title : title + "\n" + message }

    private static func content(_ content: String, isEncrypted: Bool) -> String {
        isEncrypted ? "(encrypted)" : content
    }
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
