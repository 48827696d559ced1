import Delivery
import HTTPSMSWebhooks
import JSON
import Storage
import Timestamps

/// The id of a message.
package typealias MessageID = ID<Message>

/// An SMS in either direction, or a missed call.
package struct Message: Sendable {
    /// Its id.
    package let id: MessageID
    /// The client's own reference.
    package let requestID: String?
    /// Our phone.
    package let owner: String
    /// Whose it is.
    package let userID: UserID
    /// The other party: a number, a short code or a name.
    package let contact: String
    /// May change while it waits for its time.
    package var content: String
    /// URLs.
    package let attachments: [String]
    /// Whether the text can be read by the phone only.
    package let isEncrypted: Bool
    /// Which way it goes.
    package let type: MessageType
    /// How far it got.
    package var status: MessageStatus
    /// Which SIM it goes or came by.
    package let sim: SIM
    /// From the request to the SENT report, or to DELIVERED when that came first.
    package var sendTime: Duration?
    /// For an inbound one: when the phone got it, by the phone's clock.
    package let requestReceivedAt: Timestamp
    /// When the server took it in.
    package let createdAt: Timestamp
    /// When it changed last.
    package var updatedAt: Timestamp
    /// Sorts a conversation: never later than the server's time but for a message that is planned, and later than before
    /// with each step.
    package var orderTimestamp: Timestamp
    /// When the phone fetched it last.
    package var lastAttemptedAt: Timestamp?
    /// When its last attempt was planned, of those that were handed out.
    package var scheduledAt: Timestamp?
    /// When the phone had sent it; nil until then.
    package var sentAt: Timestamp?
    /// When the client wants it sent.
    package var scheduledSendTime: Timestamp?
    /// When the other side had it; nil until then.
    package var deliveredAt: Timestamp?
    /// When its time was over; nil until then.
    package var expiredAt: Timestamp?
    /// When it failed for good; nil until then.
    package var failedAt: Timestamp?
    /// How often it was handed out.
    package var sendAttemptCount: Int
    /// How often it is handed to a phone at most.
    package let maxSendAttempts: Int
    let receivedAt: Timestamp?
    /// Why it failed; on an inbound one, what is odd about it, such as attachments that could not be kept.
    package var failureReason: String?
    /// The path of the request that made it: the `source` of the events that time causes.
    let source: String
    /// How many events it has caused.
    var eventCount: Int
    /// When its next attempt is due; nil when none is planned. A forecast while it waits in the queue of its phone.
    package var plannedAt: Timestamp?
    /// When the present attempt has taken too long; nil when none runs.
    package var expiresAt: Timestamp?
    /// Of which request with many recipients it is; nil for a single message.
    package var batch: String?
    /// Its place in the queue of its phone, see ``MessagePlanner``; nil when it does not wait there.
    var turn: Int64?
    /// Whether it keeps the phone's rate; not when the client named the time of its first attempt.
    var isPaced = false
    /// Whether it waits for a time of its own and was never handed out: until then it can be changed.
    package var isPlanned: Bool {
        type == .mobileTerminated && status == .pending && scheduledSendTime != nil && plannedAt != nil
            && sendAttemptCount == 0
    }
    /// Whether it came, went, or was written to one recipient to go at once: what a conversation is sorted by. What is planned,
    /// or waits in a file of many, is not.
    var isRecent: Bool {
        type != .mobileTerminated || sendAttemptCount > 0 || scheduledSendTime == nil && batch == nil
    }
    /// What the phone's clock said last where the server's time stands in its place, see ``PhoneTime``; nil when every
    /// time of the phone is believed.
    package var disbelievedTime: String?
    /// Where its events go beside the webhooks; nil for nowhere.
    var callbackID: EndpointID?
}

/// Which way a message goes.
package enum MessageType: String, Sendable, SQLEnum, CaseIterable {
    /// Outgoing.
    case mobileTerminated = "mobile-terminated"
    /// Incoming.
    case mobileOriginated = "mobile-originated"
    case missedCall = "call/missed"
}

/// Where a message stands; see ``MessageTransition`` for how it moves.
package enum MessageStatus: String, Sendable, SQLEnum, CaseIterable {
    case pending, scheduled, sending, sent, delivered, failed, expired, received
}

extension Message {
    /// An outgoing message, due at once or when the client wants it sent.
    init(
        outgoing id: MessageID, from phone: Phone, to contact: String, content: String, attachments: [String] = [],
        isEncrypted: Bool = false, requestID: String?, sendAt: Timestamp? = nil, batch: String? = nil,
        callback: EndpointID? = nil, source: String, at now: Timestamp
    ) {
        self.init(
            id: id, requestID: requestID, owner: phone.phoneNumber, userID: phone.userID, contact: contact,
            content: content, attachments: attachments, isEncrypted: isEncrypted, type: .mobileTerminated,
            status: .pending, sim: phone.sim, requestReceivedAt: now, createdAt: now, updatedAt: now,
            orderTimestamp: max(sendAt ?? now, now), scheduledSendTime: sendAt, sendAttemptCount: 0,
            maxSendAttempts: phone.maxSendAttempts, receivedAt: nil, source: source, eventCount: 0,
            plannedAt: max(sendAt ?? now, now), batch: batch, isPaced: sendAt == nil,
            callbackID: callback)
    }

    /// Something that came to the phone at `timestamp`, nil for now; its first event is counted already.
    init(
        incoming type: MessageType, id: MessageID, userID: UserID, owner: String, contact: String, content: String,
        attachments: [String], isEncrypted: Bool, sim: SIM, timestamp told: PhoneTime?, notes: [String],
        source: String, at now: Timestamp
    ) {
        let timestamp = told?.believed(at: now) ?? now
        self.init(
            id: id, requestID: nil, owner: owner, userID: userID, contact: contact, content: content,
            attachments: attachments, isEncrypted: isEncrypted, type: type, status: .received, sim: sim,
            requestReceivedAt: timestamp, createdAt: now, updatedAt: now, orderTimestamp: min(timestamp, now),
            scheduledSendTime: nil, sendAttemptCount: 0, maxSendAttempts: 0,
            receivedAt: type == .mobileOriginated ? timestamp : nil,
            failureReason: notes.isEmpty ? nil : notes.joined(separator: "; "),
            source: source, eventCount: 1, disbelievedTime: told?.disbelieved(at: now))
    }
}

extension Message {
    /// What may be long in it.
    var texts: [String] { [content, failureReason ?? ""] + attachments }
}

extension Message: JSONWritable {
    /// httpSMS's shape, members in the order of httpSMS.
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("id", id.text)
            o.field("request_id", requestID)
            o.field("owner", owner)
            o.field("user_id", userID.text)
            o.field("contact", contact)
            o.field("content", content)
            o.field("attachments", attachments)
            o.field("encrypted", isEncrypted)
            o.field("type", type.rawValue)
            o.field("status", status.rawValue)
            o.field("sim", sim.rawValue)
            o.field("send_time", sendTime?.nanoseconds)
            o.field("request_received_at", requestReceivedAt)
            o.field("created_at", createdAt)
            o.field("updated_at", updatedAt)
            o.field("order_timestamp", orderTimestamp)
            o.field("last_attempted_at", lastAttemptedAt)
            o.field("scheduled_at", plannedAt ?? scheduledAt)
            o.field("sent_at", sentAt)
            o.field("scheduled_send_time", scheduledSendTime)
            o.field("delivered_at", deliveredAt)
            o.field("expired_at", expiredAt)
            o.field("failed_at", failedAt)
            o.field("send_attempt_count", sendAttemptCount)
            o.field("max_send_attempts", maxSendAttempts)
            o.field("received_at", receivedAt)
            o.field("failure_reason", failureReason)
            // Ours, and only where it was asked for: all else is as in httpSMS.
            if let callbackID { o.field("callback_id", callbackID.text) }
        }
    }
}

extension Message: RowDecodable {
    package init(row: Row) throws {
        self.init(
            id: try row.get("id"), requestID: try row.find("request_id"), owner: try row.get("owner"),
            userID: try row.get("user_id"), contact: try row.get("contact"), content: try row.get("content"),
            attachments: try row.get("attachments", as: String.self).split(separator: "\n").map(String.init),
            isEncrypted: try row.get("encrypted"), type: try row.get("type"), status: try row.get("status"),
            sim: try row.get("sim"), sendTime: try row.find("send_time"),
            requestReceivedAt: try row.get("request_received_at"), createdAt: try row.get("created_at"),
            updatedAt: try row.get("updated_at"), orderTimestamp: try row.get("order_timestamp"),
            lastAttemptedAt: try row.find("last_attempted_at"), scheduledAt: try row.find("scheduled_at"),
            sentAt: try row.find("sent_at"), scheduledSendTime: try row.find("scheduled_send_time"),
            deliveredAt: try row.find("delivered_at"), expiredAt: try row.find("expired_at"),
            failedAt: try row.find("failed_at"), sendAttemptCount: try row.get("send_attempt_count"),
            maxSendAttempts: try row.get("max_send_attempts"), receivedAt: try row.find("received_at"),
            failureReason: try row.find("failure_reason"), source: try row.get("source"),
            eventCount: try row.get("event_count"), plannedAt: try row.find("planned_at"),
            expiresAt: try row.find("expires_at"), batch: try row.find("batch"), turn: try row.find("turn"),
            isPaced: try row.get("paced"),
            disbelievedTime: try row.find("disbelieved_time"), callbackID: try row.find("callback_id"))
    }
}
