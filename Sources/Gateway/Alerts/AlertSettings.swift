import Delivery
import JSON
import Storage
import Timestamps
import Wire

/// When an account wants to be told, and where.
package struct AlertSettings: Sendable, Hashable {
    /// From when on nobody is told, in minutes of the day in the account's zone; nil for no quiet hours.
    package var quietFrom: Int?
    /// Until when; before ``quietFrom`` it is on the next day.
    package var quietUntil: Int?

    /// Says it all, in minutes of the day.
    package init(quietFrom: Int? = nil, quietUntil: Int? = nil) {
        self.quietFrom = quietFrom
        self.quietUntil = quietUntil
    }

    /// Reads both times, such as `22:00`, or none of them.
    ///
    /// - Throws: ``Refusal`` `.invalid`.
    package init(from: String?, until: String?) throws(Refusal) {
        var errors = FieldErrors()
        func minutes(_ field: String, _ text: String?, with other: String?) -> Int? {
            let text = (text ?? "").trimmed
            let minutes = ClockTime.minutes(text)
            if minutes == nil, !text.isEmpty || !(other ?? "").trimmed.isEmpty {
                errors.add(field, "The \(field) field must be a time of day, such as 22:00")
            }
            return minutes
        }
        quietFrom = minutes("quiet_from", from, with: until)
        quietUntil = minutes("quiet_until", until, with: from)
        if let quietFrom, quietFrom == quietUntil {
            errors.add("quiet_until", "The quiet_until field must be another time than quiet_from")
        }
        try errors.check("validation errors while updating alert settings")
    }

    /// Whether nobody wants to be told at `now`.
    func isQuiet(at now: Timestamp, timezone: String) -> Bool {
        guard let quietFrom, let quietUntil, quietFrom != quietUntil else { return false }
        return TimeWindow(from: quietFrom, until: quietUntil).contains(TimeWindow.minute(of: now, in: timezone))
    }
}

extension AlertSettings: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("quiet_from", quietFrom.map(ClockTime.text))
            o.field("quiet_until", quietUntil.map(ClockTime.text))
        }
    }
}

extension AlertSettings: RowDecodable {
    package init(row: Row) throws {
        self.init(quietFrom: try row.find("quiet_from"), quietUntil: try row.find("quiet_until"))
    }
}
