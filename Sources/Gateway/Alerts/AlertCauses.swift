import Delivery
import Wire

/// Which alerts a webhook hears of.
package struct AlertCauses: Sendable, Hashable {
    /// In the order of the user, without repetition; empty stands for all, also for those that later versions add.
    package let chosen: [AlertCause]

    /// All of them.
    package static let all = AlertCauses(chosen: [])

    private init(chosen: [AlertCause]) { self.chosen = chosen }

    /// Takes what a body names: `*` alone for all. The first name that is none of an alert is an error of `events`.
    init(names: [String], _ errors: inout FieldErrors) {
        let names = names.unique
        guard names != [Self.everything] else {
            chosen = []
            return
        }
        chosen = names.compactMap(AlertCause.init(rawValue:))
        errors.require("events", names)
        if let unknown = names.first(where: { AlertCause(rawValue: $0) == nil }) {
            let known = AlertCause.allCases.map(\.rawValue).joined(separator: ", ")
            errors.add("events", "The events field has an invalid event with name [\(unknown)]; there are \(known)")
        }
    }

    /// Takes what is stored. One that this version does not know is left out.
    init(stored: String) {
        chosen = SpacedList.words(stored).compactMap(AlertCause.init(rawValue:))
    }

    /// The names in a column, divided by spaces; nil for all.
    var stored: String? { chosen.isEmpty ? nil : names.joined(separator: " ") }

    /// The names as a body has them.
    package var names: [String] { chosen.isEmpty ? [Self.everything] : chosen.map(\.rawValue) }

    /// Whether it hears of everything.
    package var isAll: Bool { chosen.isEmpty }

    func contains(_ cause: AlertCause) -> Bool { chosen.isEmpty || chosen.contains(cause) }

    /// What stands for all.
    private static let everything = "*"
}
