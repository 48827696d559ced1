import Foundation
import JSON
import NIOHTTP1
import Timestamps
import Wire

/// A window of a send schedule, as the commands write it: `mon-fri=09:00-17:00`, `sat,sun=10:00-12:30`, `fri=22:00-02:00`.
package struct WindowOption: Sendable, Equatable {
    /// 0 is Sunday; each day once, in the order of the week from Monday.
    package let days: [Int]
    /// Minutes after midnight.
    package let start: Int
    /// Minutes after midnight, not part of the window; less than `start`: of the next day.
    package let end: Int

    /// Reads a window; nil for anything else.
    package init?(_ text: String) {
        let parts = text.lowercased().split(separator: "=", omittingEmptySubsequences: false)
        guard parts.count == 2, let days = Self.days(parts[0]) else { return nil }
        let times = parts[1].split(separator: "-", omittingEmptySubsequences: false).map {
            ClockTime.minutes($0, isEnd: true)
        }
        guard times.count == 2, let start = times[0], let end = times[1], start < ClockTime.minutesOfDay, end > 0,
            start != end
        else {
            return nil
        }
        (self.days, self.start, self.end) = (days, start, end)
    }

    private static let names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
    private static let week = [1, 2, 3, 4, 5, 6, 0]

    private static func days(_ text: Substring) -> [Int]? {
        var days: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { end in
                names.firstIndex(of: String(end)).flatMap { week.firstIndex(of: $0) }
            }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first <= last else {
                return nil
            }
            days.formUnion(week[first...last])
        }
        return week.filter(days.contains)
    }

    /// Windows as a person reads them, days with the same times together.
    static func text(_ windows: [(day: Int, start: Int, end: Int)]) -> String {
        var groups: [(times: String, days: [Int])] = []
        for day in week {
            for window in windows where window.day == day {
                let times = "\(ClockTime.text(window.start))-\(ClockTime.text(window.end))"
                if let index = groups.firstIndex(where: { $0.times == times }) {
                    groups[index].days.append(day)
                } else {
                    groups.append((times, [day]))
                }
            }
        }
        return groups.map { $0.days.map { names[$0] }.joined(separator: ",") + "=" + $0.times }.joined(separator: " ")
    }
}

extension ServerClient {
    /// When phones may send.
    package func schedules() async throws -> ClientOutput {
        try await list(
            "/v1/send-schedules", limit: 100, empty: "No schedules. Phones send at any time.",
            ["ID", "NAME", "TIME ZONE", "WINDOWS"]
        ) { (schedule: RemoteSchedule) in [schedule.id, schedule.name, schedule.timezone, schedule.windowText] }
    }

    /// Makes a schedule.
    package func createSchedule(name: String, zone: String, windows: [WindowOption]) async throws -> ClientOutput {
        let answer = try await call(
            .POST, "/v1/send-schedules", ScheduleBody(name: name, zone: zone, windows: windows))
        let schedule: RemoteSchedule = try answer.decode()
        let text = TextList([
            ("id", schedule.id), ("name", schedule.name), ("time zone", schedule.timezone),
            ("windows", schedule.windowText),
        ]).text
        return ClientOutput(text: text, json: answer.data)
    }

    /// Deletes a schedule; phones that kept it send at any time.
    package func deleteSchedule(_ id: String) async throws -> ClientOutput {
        let answer = try await call(.DELETE, "/v1/send-schedules/\(id.percentEncoded)")
        return ClientOutput(text: answer.message, json: answer.data)
    }

    private struct RemoteSchedule: Decodable {
        struct Window: Decodable {
            let dayOfWeek: Int
            let startMinute: Int
            let endMinute: Int
        }

        let id: String
        let name: String
        let timezone: String
        let windows: [Window]

        var windowText: String { WindowOption.text(windows.map { ($0.dayOfWeek, $0.startMinute, $0.endMinute) }) }
    }

    private struct ScheduleBody: JSONWritable {
        let name: String
        let zone: String
        let windows: [WindowOption]

        func write(to json: inout JSONWriter) {
            let days = windows.flatMap { window in window.days.map { (day: $0, window: window) } }
            json.object { o in
                o.field("name", name)
                o.field("timezone", zone)
                o.field("windows", days.map { Window(day: $0.day, start: $0.window.start, end: $0.window.end) })
            }
        }

        private struct Window: JSONWritable {
            let day: Int
            let start: Int
            let end: Int

            func write(to json: inout JSONWriter) {
                json.object { o in
                    o.field("day_of_week", day)
                    o.field("start_minute", start)
                    o.field("end_minute", end)
                }
            }
        }
    }
}

extension ServerClient {
    /// Sends what a CSV or Excel file lists, all of it or none.
    ///
    /// - Parameters:
    ///   - name: The file's name, whose end says what it is.
    ///   - bytes: The file.
    ///   - callbackURL: Where the events of its messages go beside the webhooks; nil for nowhere.
    /// - Returns: What the server says of it.
    /// - Throws: ``ClientFailure`` as ``call(_:_:query:_:)``.
    package func uploadBulk(name: String, _ bytes: [UInt8], callbackURL: String? = nil) async throws -> ClientOutput {
        let boundary = "httpsms-\(UUID().uuidString)"
        // What ends a quoted name (RFC 7578, section 4.2); the name is only shown.
        let plain = String(
            String.UnicodeScalarView(name.unicodeScalars.map { $0.value < 0x20 || $0 == "\"" || $0 == "\\" ? "_" : $0 })
        )
        let head = """
            --\(boundary)\r\nContent-Disposition: form-data; name="document"; filename="\(plain)"\r\n\
            Content-Type: application/octet-stream\r\n\r\n
            """
        let body = Array(head.utf8) + bytes + Array("\r\n--\(boundary)--\r\n".utf8)
        let answer = Self.answer(
            try await exchange(
                .POST, "/v1/bulk-messages", query: [("callback_url", callbackURL)], body: body,
                type: "multipart/form-data; boundary=\(boundary)"))
        return ClientOutput(text: answer.message, json: answer.data)
    }

    /// The last files, and what became of their messages.
    package func bulkFiles() async throws -> ClientOutput {
        struct RemoteFile: Decodable {
            let requestId: String
            let total: Int
            let pendingCount: Int
            let scheduledCount: Int
            let sentCount: Int
            let deliveredCount: Int
            let failedCount: Int
            let expiredCount: Int
            let createdAt: String
        }
        return try await list(
            "/v1/bulk-messages", limit: 10, empty: "No files.",
            ["REQUEST ID", "TIME", "TOTAL", "WAITING", "SENT", "DELIVERED", "FAILED", "EXPIRED"]
        ) { (file: RemoteFile) in
            let waiting = file.pendingCount.clampedAdding(file.scheduledCount)
            return [file.requestId, file.createdAt]
                + [file.total, waiting, file.sentCount, file.deliveredCount, file.failedCount, file.expiredCount]
                .map { "\($0)" }
        }
    }
}
