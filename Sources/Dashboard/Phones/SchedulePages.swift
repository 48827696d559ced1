import Delivery
import Foundation
import Gateway
import Hummingbird
import Storage
import Timestamps
import Wire

/// The send schedules: the list, and the form that makes and changes one. The rules are those of the API, whose operations
/// are called.
struct SchedulePages: SignedInPages {
    let operations: SendScheduleOperations
    let views: PageViews

    static let path = "/phones/schedules"

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/phones/schedules", use: list)
        group.get("/phones/schedules/new") { _, context in
            show(ScheduleFields(), id: nil, context, isUntouched: true)
        }
        group.post("/phones/schedules/new") { _, context in
            try await save(nil, context) {
                try await operations.create($0, userID: context.userID, receipt: .unkept)
            }
        }
        group.get("/phones/schedules/:scheduleID") { _, context in
            let id = try context.id("scheduleID", of: SendScheduleID.self)
            let found = try await operations.list(userID: context.userID).first { $0.id == id }
            guard let found else { throw PageError.notFound }
            return show(ScheduleFields(found), id: id, context)
        }
        group.post("/phones/schedules/:scheduleID") { _, context in
            let id = try context.id("scheduleID", of: SendScheduleID.self)
            let isThere = try await operations.list(userID: context.userID).contains { $0.id == id }
            guard isThere else { throw PageError.notFound }
            return try await save(id, context) { try await operations.update(id, $0, userID: context.userID) }
        }
        group.post("/phones/schedules/:scheduleID/delete") { _, context in
            guard try await operations.delete(context.id("scheduleID", of: SendScheduleID.self), userID: context.userID)
            else {
                throw PageError.notFound
            }
            return Response.seeOther(Self.path)
        }
    }

    private struct ListContent {
        let isEmpty: Bool
        let schedules: [Line]

        struct Line {
            let path: String
            let name: String
            let timezone: String
            let isOpen: Bool
            let next: String
            let numbers: [String]
            let week: WeekPicture
        }
    }

    private func list(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let (userID, now) = (context.userID, operations.clock.now())
        let (schedules, numbers) = try await operations.store.read(.user(userID)) { tx in
            let schedules = try SendScheduleQueries.list(userID: userID, in: tx)
            return (schedules, try SendScheduleQueries.numbers(keeping: schedules.map(\.id), in: tx))
        }
        return views.page(
            .schedules, "Send schedules",
            ListContent(
                isEmpty: schedules.isEmpty,
                schedules: schedules.map { schedule in
                    let opening = schedule.opening(atOrAfter: now)
                    let isOpen = opening?.lowerBound == now
                    let change = isOpen ? opening?.upperBound : opening?.lowerBound
                    return ListContent.Line(
                        path: "\(Self.path)/\(schedule.id)", name: schedule.name, timezone: schedule.timezone,
                        isOpen: isOpen, next: change.map { Self.clock($0, in: schedule.timezone) } ?? "never",
                        numbers: numbers[schedule.id] ?? [], week: WeekPicture(schedule.windows))
                }), context)
    }

    private struct Content {
        let title: String
        let action: String
        let isNew: Bool
        /// Whether the form is as we made it, so that the browser's zone may take the place of ours.
        let isUntouched: Bool
        let name: String
        let zones: [ZoneGroup]
        let days: [Day]
        let week: WeekPicture
        let problem: String?
        let nameProblems: [String]
        let zoneProblems: [String]
        let windowProblems: [String]

        struct Day {
            let number: Int
            let name: String
            let rows: [Row]
            let mayAdd: Bool
            let problems: [String]
        }

        struct Row {
            /// Unique on the page.
            let id: String
            let start: String
            let end: String
            let label: String
            /// Whether it was just added, and so is where to go on.
            let isNext: Bool
        }
    }

    private func save(
        _ id: SendScheduleID?, _ context: SignedInContext, _ store: (SendScheduleBody) async throws -> SendSchedule?
    ) async throws -> Response {
        var fields = ScheduleFields(context.form)
        if let day = Int(context.form.text("add")), fields.rows.indices.contains(day) {
            if fields.rows[day].isEmpty { fields.rows[day].append(.init()) }
            fields.rows[day].append(.init())
            return show(fields, id: id, context, addedTo: day)
        }
        var unread: [Int: [String]] = [:]
        let body = fields.body(&unread)
        do {
            if !unread.isEmpty {
                // What cannot be read hides no other problem.
                _ = try body.settings(or: "validation errors while saving send schedule")
                return show(fields, id: id, context, unread: unread, refusal: Refusal(.invalid, ""))
            }
            guard try await store(body) != nil else { throw PageError.notFound }
            return Response.seeOther(Self.path)
        } catch let refusal as Refusal {
            return show(fields, id: id, context, unread: unread, refusal: refusal)
        }
    }

    private func show(
        _ fields: ScheduleFields, id: SendScheduleID?, _ context: SignedInContext, isUntouched: Bool = false,
        addedTo added: Int? = nil, unread: [Int: [String]] = [:], refusal: Refusal? = nil
    ) -> Response {
        let problems = PageProblems.all(refusal)
        let ofDays = fields.byDay(refusal?.problems["windows"] ?? []).merging(unread) { $0 + $1 }
        let title = id == nil ? "New send schedule" : "Edit the send schedule"
        return views.page(
            .scheduleForm, title,
            Content(
                title: title, action: id.map { "\(Self.path)/\($0)" } ?? "\(Self.path)/new", isNew: id == nil,
                isUntouched: isUntouched, name: fields.name, zones: ZoneGroup.all(chosen: fields.timezone),
                days: WeekPicture.order.map { Self.day($0, fields.rows[$0], isAddedTo: $0 == added, ofDays[$0] ?? []) },
                week: WeekPicture(fields.windows),
                problem: refusal.map { _ in "The schedule was not saved. Check the highlighted fields." },
                nameProblems: problems["name"] ?? [], zoneProblems: problems["timezone"] ?? [],
                windowProblems: ofDays[ScheduleFields.everyDay] ?? []),
            context, status: refusal?.status ?? .ok)
    }

    private static func day(_ number: Int, _ rows: [ScheduleFields.Row], isAddedTo: Bool, _ problems: [String])
        -> Content.Day
    {
        let name = WeekPicture.names[number]
        // One to fill in is always there.
        let shown = rows.isEmpty ? [.init()] : rows
        return Content.Day(
            number: number, name: name,
            rows: shown.enumerated().map { index, row in
                let label = index == 0 ? name : "\(name), window \(index + 1)"
                return Content.Row(
                    id: "\(number)-\(index)", start: row.start, end: row.end, label: label,
                    isNext: isAddedTo && index == shown.count - 1)
            },
            mayAdd: shown.count < maximumWindows, problems: problems)
    }

    /// `Monday 09:00` by the clock of `timezone`.
    private static func clock(_ time: Timestamp, in timezone: String) -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(identifier: timezone) ?? .gmt
        let parts = calendar.dateComponents(
            [.weekday, .hour, .minute], from: Date(timeIntervalSince1970: Double(time.seconds)))
        let minute = (parts.hour ?? 0) * 60 + (parts.minute ?? 0)
        return "\(WeekPicture.names[(parts.weekday ?? 1) - 1]) \(ClockTime.text(minute))"
    }

    /// As many as a day may have by the API's rules.
    private static let maximumWindows = 6
}
