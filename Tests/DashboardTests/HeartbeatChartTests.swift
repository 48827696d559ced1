import Delivery
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Dashboard
@testable import Gateway
@testable import Server

/// What is drawn of heartbeats, and how they are read.
struct HeartbeatChartTests {
    private static let now = Timestamp(microseconds: 1_800_000_000_000_000)

    /// A chart of a day, from heartbeats so many minutes ago, oldest first.
    private static func chart(_ minutes: [(from: Int, until: Int)], earlier: Int? = nil) -> HeartbeatChart {
        func time(_ minutes: Int) -> Timestamp { now - .seconds(minutes * 60) }
        return HeartbeatChart(
            minutes.map { from, until in
                HeartbeatStep(firstAt: time(from), lastAt: time(until), count: 2, chargingCount: 2)
            }, earlier: earlier.map(time), span: .day, now: now, offlineAfter: .seconds(3_600))
    }

    @Test func aPhoneThatWasNeverHeardIsNeitherOnlineNorOffline() {
        let chart = Self.chart([])

        #expect(chart.states == [] && chart.bars == [] && chart.outages == [])
        #expect(chart.summary == "No heartbeat in the last 24 hours.")
    }

    @Test(arguments: [
        // Heard before and ever since.
        ([(1_440, 1_410), (1_380, 1_350)], 1_445, "Online 10% of the last 24 hours, 4 heartbeats, offline once", 2),
        // New: what was before its first heartbeat counts as nothing.
        ([(30, 1)], nil, "Online 100% of the 30 min since it was first heard, 2 heartbeats.", 1),
        // Silent for the whole day, and for two.
        ([], 1_445, "Online 3% of the last 24 hours, 0 heartbeats, offline once, in all 23 h 5 min.", 2),
        ([], 3_000, "Online 0% of the last 24 hours, 0 heartbeats, offline once, in all 1 day.", 1),
        // An outage of a minute is none of 0 %.
        (
            (0..<23).map { (1_440 - $0 * 60, 1_440 - $0 * 60) } + [(59, 59)], 1_501,
            "Online 99% of the last 24 hours, 48 heartbeats, offline once, in all 1 min.", 3
        ),
        // Another node's clock is ahead.
        ([(0, -1)], nil, "No heartbeat in the last 24 hours.", 0),
    ])
    func aDayIsSummedUp(_ minutes: [(Int, Int)], _ earlier: Int?, _ summary: String, _ count: Int) {
        let chart = Self.chart(minutes.map { (from: $0.0, until: $0.1) }, earlier: earlier)

        #expect(chart.summary.hasPrefix(summary), "\(chart.summary)")
        #expect(chart.states.count == count)
        #expect(chart.states.allSatisfy { $0.x >= 0 && $0.x + $0.width <= 1_000 }, "\(chart.states)")
        #expect(chart.bars.allSatisfy { $0.x >= 0 && $0.y >= 0 && $0.y + $0.height == 24 }, "\(chart.bars)")
    }

    @Test func bandsFollowOneAnother() {
        let chart = Self.chart([(720, 720)])

        #expect(
            chart.states == [
                .init(x: 500, width: 41, kind: "good"), .init(x: 541, width: 459, kind: "bad"),
            ])
        #expect(chart.charging == [.init(x: 500, width: 20, kind: "power")])
        #expect(chart.lines == [250, 500, 750])
        #expect(chart.outages.map(\.length) == ["11 h"] && chart.outages[0].until == nil)
    }

    @Test(arguments: [
        (0, "0 s"), (59, "59 s"), (60, "1 min"), (3_600, "1 h"), (3_900, "1 h 5 min"), (86_400, "1 day"),
        (2 * 86_400 + 7_260, "2 days 2 h"), (-5, "0 s"),
    ])
    func timeIsToldInWholeUnits(_ seconds: Int, _ text: String) {
        #expect(Elapsed.length(.seconds(seconds)) == text)
    }

    @Test func whatIsShownOfPhonesIsReadByIndexes() async throws {
        let plans = try await withStore(.sqlite, migrations: GatewayStore.migrations) { store in
            try await queryPlans(of: store) { tx in
                let user = UserID("user")
                _ = try HeartbeatQueries.steps(
                    userID: user, owner: "+18005550199", from: Self.now, by: .seconds(1_800), in: tx)
                _ = try HeartbeatQueries.last(userID: user, owner: "+18005550199", before: Self.now, in: tx)
                _ = try HeartbeatQueries.presences(of: [PhoneID(at: Self.now)], in: tx)
                _ = try SendScheduleQueries.numbers(keeping: [SendScheduleID(at: Self.now)], in: tx)
            }
        }

        #expect(plans.contains { $0.contains("heartbeat_owner (user_id=? AND owner=? AND timestamp>?)") }, "\(plans)")
        #expect(plans.contains { $0.contains("heartbeat_owner (user_id=? AND owner=? AND timestamp<?)") }, "\(plans)")
        #expect(plans.contains { $0.contains("presence USING INDEX") }, "\(plans)")
        #expect(plans.contains { $0.contains("phone_schedule") }, "\(plans)")
        #expect(!plans.contains { $0.contains("SCAN") }, "\(plans)")
    }
}
