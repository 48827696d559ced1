import Foundation
import JSON
import Storage
import Timestamps

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

    /// Reads `22:00`; nil when it is no time of day.
    static func minutes(_ text: String) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2,
            parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), hour < 24, minute < 60
        else { return nil }
        return hour * 60 + minute
    }

    private static func text(_ minutes: Int?) -> String? {
        minutes.map { value in
            let pair = [value / 60, value % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
            return pair.joined(separator: ":")
        }
    }
}

extension AlertSettings: JSONWritable {
    func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("quiet_from", Self.text(quietFrom))
            o.field("quiet_until", Self.text(quietUntil))
        }
    }
}

extension AlertSettings: RowDecodable {
    init(row: Row) throws {
        self.init(quietFrom: try row.find("quiet_from"), quietUntil: try row.find("quiet_until"))
    }
}
