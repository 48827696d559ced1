import Delivery
import HTTPSMSWebhooks
import Storage
import Timestamps

/// The events of messages, in the shapes of the public documentation.
extension Message {
    /// What a phone's report of this message says to webhooks.
    ///
    /// - Parameters:
    ///   - report: The report, already applied.
    ///   - timestamp: When it was made, by the phone's clock.
    /// - Returns: The event's type and data.
    func payload(of report: MessageReport, at timestamp: Timestamp) -> EventPayload {
        switch report {
        case .sent:
            .messageSent(
                MessageSent(
                    messageID: id.text, userID: userID.text, requestID: requestID, owner: owner, contact: contact,
                    isEncrypted: isEncrypted, timestamp: timestamp, content: content, sim: sim))
        case .delivered:
            .messageDelivered(
                MessageDelivered(
                    messageID: id.text, owner: owner, contact: contact, requestID: requestID, userID: userID.text,
                    isEncrypted: isEncrypted, timestamp: timestamp, content: content, sim: sim))
        case .failed(let reason):
            .messageFailed(
                MessageFailed(
                    messageID: id.text, errorMessage: reason, userID: userID.text, owner: owner, requestID: requestID,
                    contact: contact, timestamp: timestamp, isEncrypted: isEncrypted, content: content, sim: sim))
        }
    }

    /// What the expiry of this message says to webhooks.
    func expiredPayload(isFinal: Bool, at timestamp: Timestamp) -> EventPayload {
        .messageExpired(
            MessageExpired(
                messageID: id.text, owner: owner, sendAttemptCount: sendAttemptCount, isFinal: isFinal,
                requestID: requestID, contact: contact, isEncrypted: isEncrypted, userID: userID.text,
                timestamp: timestamp, content: content, sim: sim))
    }

    /// What the arrival of this message or call says to webhooks.
    var arrivalPayload: EventPayload {
        switch type {
        case .missedCall:
            .callMissed(
                MissedCall(
                    messageID: id.text, userID: userID.text, owner: owner, contact: contact,
                    timestamp: requestReceivedAt, sim: sim))
        case .mobileOriginated, .mobileTerminated:
            .messageReceived(
                MessageReceived(
                    messageID: id.text, userID: userID.text, owner: owner, isEncrypted: isEncrypted, contact: contact,
                    timestamp: requestReceivedAt, content: content, sim: sim, attachments: attachments))
        }
    }

    /// Publishes `payload` as this message's newest event.
    func emit(_ payload: EventPayload, id eventID: EventID, source: String, in tx: any Transaction) throws {
        let callback = try callbackID.flatMap { try CallbackQueries.keep($0, in: tx) ? $0 : nil }
        try tx.emit(
            OutgoingEvent(
                id: eventID, userID: userID, owner: owner, source: source, payload: payload,
                order: EventOrder(key: id.text, number: eventCount)), also: callback)
    }
}
