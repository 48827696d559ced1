import Timestamps

/// What a phone says of an outgoing message.
enum MessageReport: Sendable, Hashable {
    case sent
    case delivered
    case failed(reason: String)
}

/// The state machine of outgoing messages, as pure functions.
///
/// | status | SENT | DELIVERED | FAILED | fetched | attempt due | attempt too long |
/// |---|---|---|---|---|---|---|
/// | pending | sent | delivered | failed | sending | scheduled | expired |
/// | scheduled | sent | delivered | failed | sending | scheduled | expired |
/// | sending | sent | delivered | failed | - | sending | expired |
/// | sent | - | delivered | failed | - | - | - |
/// | delivered | - | - | - | - | - | - |
/// | failed | - | - | - | - | - | - |
/// | expired | sent | delivered | failed | sending | scheduled | - |
///
/// `-` changes nothing and emits nothing. FAILED after `sent` is a negative delivery report of the network. Inbound
/// messages are `received` and never move.
enum MessageTransition {
    /// The status after `report`; nil when it changes nothing.
    static func status(after report: MessageReport, from status: MessageStatus) -> MessageStatus? {
        switch (report, status) {
        case (.sent, .pending), (.sent, .scheduled), (.sent, .sending), (.sent, .expired): .sent
        case (.delivered, .pending), (.delivered, .scheduled), (.delivered, .sending), (.delivered, .sent),
            (.delivered, .expired):
            .delivered
        case (.failed, .pending), (.failed, .scheduled), (.failed, .sending), (.failed, .sent), (.failed, .expired):
            .failed
        default: nil
        }
    }

    /// From where a phone may fetch a message.
    static let outstanding: [MessageStatus] = [.pending, .scheduled, .expired]

    /// From where an attempt may take too long.
    static let expiring: [MessageStatus] = [.pending, .scheduled, .sending]

    /// Applies `report`, made at `timestamp` by the phone's clock; nil when it changes nothing.
    ///
    /// The phone's clock may be some hours ahead: what sorts is at most `now`.
    static func message(
        _ message: Message, after report: MessageReport, at timestamp: Timestamp, now: Timestamp
    ) -> Message? {
        guard message.type == .mobileTerminated, let status = status(after: report, from: message.status) else {
            return nil
        }
        var next = message
        next.status = status
        next.eventCount += 1
        next.plannedAt = nil
        next.turn = nil
        next.expiresAt = nil
        next.orderTimestamp = min(max(message.orderTimestamp, timestamp), now)
        let sendTime = max(.zero, timestamp - message.requestReceivedAt)
        switch report {
        case .sent:
            next.sentAt = timestamp
            next.sendTime = sendTime
        case .delivered:
            next.deliveredAt = timestamp
            next.sendTime = message.sendTime ?? sendTime
        case .failed(let reason):
            next.failedAt = timestamp
            next.failureReason = reason
        }
        return next
    }

    /// Hands out the attempt that is due: from here it is counted, and has `expiration` to succeed.
    static func handedOut(_ message: Message, expiration: Duration, at now: Timestamp) -> Message {
        var next = message
        next.plannedAt = nil
        next.turn = nil
        guard outstanding.contains(message.status) || message.status == .sending else { return next }
        if message.status != .sending { next.status = .scheduled }
        next.scheduledAt = message.plannedAt ?? now
        next.orderTimestamp = max(message.orderTimestamp, now)
        next.sendAttemptCount += 1
        next.expiresAt = now + expiration
        return next
    }

    /// Ends the attempt that took too long, and plans the next one while there are attempts left.
    static func expired(_ message: Message, at now: Timestamp) -> (message: Message, isFinal: Bool)? {
        guard expiring.contains(message.status) else { return nil }
        let isFinal = message.sendAttemptCount >= message.maxSendAttempts
        var next = message
        next.status = .expired
        next.eventCount += 1
        next.expiredAt = now
        next.expiresAt = nil
        next.orderTimestamp = max(message.orderTimestamp, now)
        next.plannedAt = isFinal ? nil : now
        next.turn = nil
        next.isPaced = true
        return (next, isFinal)
    }
}
