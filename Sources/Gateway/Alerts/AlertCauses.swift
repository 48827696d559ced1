import Delivery
import Wire

/// What a webhook for alerts hears of: alerts, and each change in the account where it asks for that.
package struct AlertCauses: Sendable, Hashable {
    /// The alerts in the order of the user, without repetition; nil for all, also for those that later versions add.
    package let alerts: [AlertCause]?
    /// Whether it hears of what is added to the log of changes: only where that is named, as no alert is as frequent.
    package let hasChanges: Bool

    /// All alerts, and no changes.
    package static let all = AlertCauses(alerts: nil, hasChanges: false)

    private init(alerts: [AlertCause]?, hasChanges: Bool) {
        (self.alerts, self.hasChanges) = (alerts, hasChanges)
    }

    /// Takes what a body names: `*` for all alerts, and ``AuditLog/eventType`` beside. The first name that is none of them is an
    /// error of `events`.
    init(names: [String], _ errors: inout FieldErrors) {
        let names = names.unique
        hasChanges = names.contains(AuditLog.eventType)
        let alerts = names.filter { $0 != AuditLog.eventType }
        guard alerts != [Self.everything] else {
            self.alerts = nil
            return
        }
        self.alerts = alerts.compactMap(AlertCause.init(rawValue:))
        errors.require("events", names)
        if let unknown = alerts.first(where: { AlertCause(rawValue: $0) == nil }) {
            let known = (AlertCause.allCases.map(\.rawValue) + [AuditLog.eventType]).joined(separator: ", ")
            errors.add("events", "The events field has an invalid event with name [\(unknown)]; there are \(known)")
        }
    }

    /// Takes what is stored. One that this version does not know is left out.
    init(stored: String) {
        let names = SpacedList.words(stored)
        let known = names.compactMap(AlertCause.init(rawValue:))
        hasChanges = names.contains(AuditLog.eventType)
        alerts = names.contains(Self.everything) || known.isEmpty && !hasChanges ? nil : known
    }

    /// The names in a column, divided by spaces; nil for all alerts.
    var stored: String? { self == .all ? nil : names.joined(separator: " ") }

    /// The names as a body has them.
    package var names: [String] {
        (alerts.map { $0.map(\.rawValue) } ?? [Self.everything]) + (hasChanges ? [AuditLog.eventType] : [])
    }

    /// Whether it hears of every alert.
    package var isAll: Bool { alerts == nil }

    func contains(_ cause: AlertCause) -> Bool { alerts.map { $0.contains(cause) } ?? true }

    /// What stands for all alerts.
    private static let everything = "*"
}
