import JSON
import Storage
import Timestamps

typealias AlertID = ID<Alert>

/// Something that has to be known by somebody who does not look at the dashboard: it is told once, and once more when it is over.
package struct Alert: Sendable, Hashable {
    let id: AlertID
    /// What is wrong, and with what.
    package let condition: AlertCondition
    /// Since when it is so.
    package let openedAt: Timestamp
    /// When it was told; nil while nobody was, as in quiet hours.
    package var toldAt: Timestamp?
    /// Since when it is not so any more; nil while it is.
    package var clearedAt: Timestamp?
}

/// What is wrong, and with what.
package struct AlertCondition: Sendable, Hashable {
    /// What is wrong.
    package let cause: AlertCause
    /// What it is wrong with: an id or a number; empty where there is one only.
    package let subject: String
    /// What is wrong, in one line.
    let title: String
    /// What to do about it, a sentence or two.
    package let advice: String

    /// What tells it from others, whatever the words.
    var key: [String] { [cause.rawValue, subject] }
}

/// What alerts are about. The raw value is the type of the event.
package enum AlertCause: String, Sendable, SQLEnum, CaseIterable {
    /// A webhook took nothing for ten minutes.
    case webhookFailing = "webhook.failing"
    /// A webhook was stopped by the server.
    case webhookDisabled = "webhook.disabled"
    /// Deliveries to a webhook that takes others were given up.
    case deliveryFailed = "delivery.failed"
    /// A phone was not heard for as long as the operator says.
    case phoneOffline = "phone.offline"
    /// Five SMS of an hour were not sent.
    case messageFailed = "message.failed"
    /// Deliveries are due and not made.
    case queueOld = "queue.old"
    /// The disk of the server is nearly full.
    case diskLow = "disk.low"
    /// The certificate of the server ends within 14 days.
    case certificateExpires = "certificate.expires"
    /// The clock of the server was set by more than an hour.
    case clockStep = "clock.step"
}

/// What becomes of the alerts of an account at a look.
package enum AlertChange: Sendable, Hashable {
    /// It is new; told at once, or not yet.
    case open(AlertCondition, isTold: Bool)
    /// It is still so, and is told now.
    case tell(Alert)
    /// It is not so any more, for the time being.
    case clear(Alert)
    /// It is so again before it was over.
    case recur(Alert)
    /// It is over; told where its beginning was.
    case end(Alert, isTold: Bool)

    /// For how long it must not be so before it is over: what comes and goes is one alert.
    static let window: Duration = .seconds(15 * 60)

    /// Decides on all of them.
    ///
    /// - Parameters:
    ///   - known: Those that are not over.
    ///   - found: What is wrong now; at most ``most`` of it counts.
    ///   - now: The time.
    ///   - isQuiet: Whether nobody wants to be told now. What begins and ends in quiet hours is never told.
    /// - Returns: The changes, in no particular order.
    static func all(known: [Alert], found: [AlertCondition], at now: Timestamp, isQuiet: Bool) -> [AlertChange] {
        let keys = Set(found.map(\.key))
        let knownKeys = Set(known.map(\.condition.key))
        var seen = knownKeys
        var changes = found.prefix(most).filter { seen.insert($0.key).inserted }
            .map { AlertChange.open($0, isTold: !isQuiet) }
        for alert in known {
            if keys.contains(alert.condition.key) {
                if alert.clearedAt != nil { changes.append(.recur(alert)) }
                if alert.toldAt == nil, !isQuiet { changes.append(.tell(alert)) }
            } else if let cleared = alert.clearedAt {
                guard now - cleared >= window else { continue }
                if alert.toldAt == nil {
                    changes.append(.end(alert, isTold: false))
                } else if !isQuiet {
                    changes.append(.end(alert, isTold: true))
                }
            } else {
                changes.append(.clear(alert))
            }
        }
        return changes
    }

    /// 100 alerts of an account at a time: it has few phones and webhooks.
    package static let most = 100
}

extension Alert: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("id", id.text)
            o.field("cause", condition.cause.rawValue)
            o.field("subject", condition.subject.isEmpty ? nil : condition.subject)
            o.field("title", condition.title)
            o.field("message", condition.advice)
            o.field("opened_at", openedAt)
            o.field("told_at", toldAt)
            o.field("cleared_at", clearedAt)
        }
    }

    /// The data of the event that tells of it.
    func data(isOver: Bool, at now: Timestamp) -> [UInt8] {
        var json = JSONWriter()
        json.object { o in
            o.field("alert_id", id.text)
            o.field("state", isOver ? "over" : "open")
            o.field("subject", condition.subject.isEmpty ? nil : condition.subject)
            o.field("title", title(isOver: isOver))
            o.field("message", isOver ? "" : condition.advice)
            o.field("opened_at", openedAt)
            o.field("over_at", isOver ? clearedAt ?? now : nil)
        }
        return json.bytes
    }

    /// What is told in one line.
    func title(isOver: Bool) -> String { isOver ? "Over: \(condition.title)" : condition.title }
}
