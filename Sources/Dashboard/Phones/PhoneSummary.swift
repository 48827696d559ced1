import Delivery
import Gateway
import HTTPSMSWebhooks
import Storage
import Timestamps

/// A phone as the pages show it.
struct PhoneSummary: Sendable {
    let path: String
    let number: String
    /// `online`, `offline`, or `never heard`.
    let state: String
    /// The same as a class of the style sheet.
    let kind: String
    let heard: String?
    let heardAt: String?
    let power: String?
    let version: String?
    let rate: String
    let schedule: String?
    let schedulePath: String?
    let sim: String
    let reach: ReachLine
    /// The same when there is something to do.
    let trouble: ReachLine?
    let createdAt: String
    let chart: HeartbeatChart

    /// What the store has of phones, read in one go.
    struct Found: Sendable {
        let phone: Phone
        let reach: PhoneReach
        let presence: Presence?
        let latest: Heartbeat?
        let schedule: SendSchedule?
        let steps: [HeartbeatStep]
        let earlier: Timestamp?

        /// Reads what belongs to `phones`, which are `userID`'s, for a chart of `span`. `pushes` are the services that
        /// take pushes of the server.
        static func all(
            _ phones: [Phone], of userID: UserID, span: HeartbeatChart.Span, now: Timestamp, pushes: Set<PushKind>,
            in tx: any Transaction
        ) throws -> [Found] {
            let presences = try HeartbeatQueries.presences(of: phones.map(\.id), in: tx)
            let hasSchedules = phones.contains { $0.messageSendScheduleID != nil }
            let schedules = hasSchedules ? try SendScheduleQueries.list(userID: userID, in: tx) : []
            var errors = FieldErrors()
            let newest = Page(QueryParameters(query: ""), limit: 1, errors: &errors)
            let start = now - span.length
            return try phones.map { phone in
                let owner = phone.phoneNumber
                return Found(
                    phone: phone, reach: try PhoneReach(of: phone, pushes: pushes, in: tx),
                    presence: presences[phone.id],
                    latest: try HeartbeatQueries.list(userID: userID, owner: owner, page: newest, in: tx).first,
                    schedule: schedules.first { $0.id.text == phone.messageSendScheduleID },
                    steps: try HeartbeatQueries.steps(
                        userID: userID, owner: owner, from: start, by: span.step, in: tx),
                    earlier: try HeartbeatQueries.last(userID: userID, owner: owner, before: start, in: tx))
            }
        }
    }

    init(_ found: Found, span: HeartbeatChart.Span, now: Timestamp, offlineAfter: Duration) {
        let phone = found.phone
        path = "\(PhonePages.path)/\(phone.id)"
        number = PageParty.number(phone.phoneNumber)
        let isOnline = found.presence?.isOnline
        state = isOnline.map { $0 ? "online" : "offline" } ?? "never heard"
        kind = isOnline.map { $0 ? "online" : "offline" } ?? "unheard"
        heard = found.presence.map { Elapsed.ago($0.lastHeartbeatAt, now: now) }
        heardAt = found.presence.map { PageTime.shown($0.lastHeartbeatAt) }
        power = found.latest.map { $0.isCharging ? "charging" : "on battery" }
        version = found.latest.flatMap { $0.version.isEmpty ? nil : $0.version }
        rate = phone.messagesPerMinute == 0 ? "as fast as it can" : "\(phone.messagesPerMinute) a minute"
        schedule = found.schedule?.name
        schedulePath = found.schedule.map { "\(SchedulePages.path)/\($0.id)" }
        sim = phone.sim.rawValue
        reach = ReachLine(found.reach, of: phone)
        trouble = reach.isGood ? nil : reach
        createdAt = PageTime.shown(phone.createdAt)
        chart = HeartbeatChart(
            found.steps, earlier: found.earlier, span: span, now: now, offlineAfter: offlineAfter)
    }
}
