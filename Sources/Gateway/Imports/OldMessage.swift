import Foundation
import Timestamps

/// A message as another httpSMS server tells it, in an answer of its API or as a row of its database.
///
/// The columns are the members of the API but for two: `send_duration` is `send_time`, and `notification_scheduled_at` is
/// `scheduled_at` (httpSMS, api/pkg/entities/message.go).
package struct OldMessage: Sendable, Decodable {
    /// Its id there; empty when it has none.
    package let id: String
    let requestID: String?
    /// The phone, as it was written there.
    package let owner: String
    /// The other party, as it was written there.
    package let contact: String
    let content: String
    let attachments: [String]
    let isEncrypted: Bool
    let type: String
    let status: String
    let sim: String?
    /// In nanoseconds.
    let sendTime: Int64?
    let requestReceivedAt: PhoneTime?
    let createdAt: PhoneTime?
    let updatedAt: PhoneTime?
    let orderTimestamp: PhoneTime?
    let lastAttemptedAt: PhoneTime?
    let scheduledAt: PhoneTime?
    let sentAt: PhoneTime?
    let scheduledSendTime: PhoneTime?
    let deliveredAt: PhoneTime?
    let expiredAt: PhoneTime?
    let failedAt: PhoneTime?
    let receivedAt: PhoneTime?
    let sendAttemptCount: Int64
    let maxSendAttempts: Int64
    let failureReason: String?

    package init(from decoder: any Decoder) throws {
        let object = try OddObject(decoder)
        id = object.anyText("id")
        requestID = object.text("request_id")
        owner = object.anyText("owner")
        contact = object.anyText("contact")
        content = object.anyText("content")
        attachments = object.texts("attachments")
        isEncrypted = object.bool("encrypted") ?? false
        type = object.anyText("type")
        status = object.anyText("status")
        sim = object.text("sim")
        sendTime = object.whole("send_time", "send_duration")
        requestReceivedAt = object.time("request_received_at")
        createdAt = object.time("created_at")
        updatedAt = object.time("updated_at")
        orderTimestamp = object.time("order_timestamp")
        lastAttemptedAt = object.time("last_attempted_at")
        scheduledAt = object.time("scheduled_at", "notification_scheduled_at")
        sentAt = object.time("sent_at")
        scheduledSendTime = object.time("scheduled_send_time")
        deliveredAt = object.time("delivered_at")
        expiredAt = object.time("expired_at")
        failedAt = object.time("failed_at")
        receivedAt = object.time("received_at")
        sendAttemptCount = object.whole("send_attempt_count") ?? 0
        maxSendAttempts = object.whole("max_send_attempts") ?? 0
        failureReason = object.text("failure_reason")
    }

    /// What its texts hold, in bytes.
    package var byteCount: Int {
        attachments.reduce(content.utf8.count.clampedAdding(failureReason?.utf8.count ?? 0)) {
            $0.clampedAdding($1.utf8.count)
        }
    }
}

/// A conversation as another httpSMS server tells it, without its last message, which is among its messages.
package struct OldThread: Sendable, Decodable {
    /// Its id there; empty when it has none.
    package let id: String
    /// Our phone, as it is written there.
    package let owner: String
    /// The other party, as it is written there.
    package let contact: String
    let isArchived: Bool
    /// Servers of before 2026 do not say: nothing is unread there.
    let isRead: Bool
    let color: String
    let createdAt: PhoneTime?

    package init(from decoder: any Decoder) throws {
        let object = try OddObject(decoder)
        id = object.anyText("id")
        owner = object.anyText("owner")
        contact = object.anyText("contact")
        isArchived = object.bool("is_archived") ?? false
        isRead = object.bool("is_read") ?? true
        color = object.anyText("color")
        createdAt = object.time("created_at")
    }
}

/// A phone as another httpSMS server tells it.
package struct OldPhone: Sendable, Decodable {
    /// Its id there; empty when it has none.
    package let id: String
    /// Its number, as it is written there.
    package let number: String

    package init(from decoder: any Decoder) throws {
        let object = try OddObject(decoder)
        id = object.anyText("id")
        number = object.anyText("phone_number")
    }
}

/// A part of another server's history.
package struct OldPage: Sendable {
    /// In any order.
    package let messages: [OldMessage]
    /// The conversations of these messages, as far as they are known.
    package let threads: [OldThread]

    /// Takes a part.
    package init(messages: [OldMessage], threads: [OldThread]) {
        (self.messages, self.threads) = (messages, threads)
    }
}
