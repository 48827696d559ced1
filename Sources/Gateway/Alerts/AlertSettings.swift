import Foundation
import JSON
import Storage
import Timestamps
import Wire

/// When an account wants to be told, and where.
struct AlertSettings: Sendable, Hashable {
    /// From when on nobody is told, in minutes of the day in the account's zone; nil for no quiet hours.
    var quietFrom: Int?
    /// Until when; before ``quietFrom`` it is on the next day.
    var quietUntil: Int?

    /// Whether nobody wants to be told at `now`.
    func isQuiet(at now: Timestamp, timezone: String) -> Bool {
        guard let quietFrom, let quietUntil, quietFrom != quietUntil else { return false }
        let zone = TimeZone(identifier: timezone) ?? .gmt
        let offset = zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(now.seconds)))
        let second = (now.seconds % 86_400 + Int64(offset) + 2 * 86_400) % 86_400
        let minute = Int(second / 60)
        return quietFrom < quietUntil
            ? (quietFrom..<quietUntil).contains(minute) : minute >= quietFrom || minute < quietUntil
    }
}

extension AlertSettings: JSONWritable {
    func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("quiet_from", quietFrom.map(ClockTime.text))
            o.field("quiet_until", quietUntil.map(ClockTime.text))
        }
    }
}

extension AlertSettings: RowDecodable {
    init(row: Row) throws {
        self.init(quietFrom: try row.find("quiet_from"), quietUntil: try row.find("quiet_until"))
    }
}
