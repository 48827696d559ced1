import Delivery
import Foundation
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// The windows of a schedule, by the wall clock of its time zone, on both sides of each change of the clock.
@Suite(.onOneEngine) struct SendScheduleOpeningTests {
    private static func schedule(_ timezone: String, _ windows: [(Int, Int, Int)]) -> SendSchedule {
        let now = Timestamp(microseconds: 0)
        return SendSchedule(
            id: SendScheduleID(at: now), userID: UserID("user"), name: "hours", timezone: timezone,
            windows: windows.map { SendSchedule.Window(day: $0.0, startMinute: $0.1, endMinute: $0.2) },
            createdAt: now, updatedAt: now)
    }

    private static func time(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: text)) }

    /// Every day from 09:00 to 17:00.
    private static let office = (0...6).map { ($0, 540, 1_020) }
    /// Every day from 02:30 to 04:00: across the change of the clock in Europe.
    private static let night = (0...6).map { ($0, 150, 240) }

    @Test(
        arguments: [
            // Berlin is an hour ahead in winter, two in summer; clocks change on 2026-03-29 and 2026-10-25 at 01:00Z.
            ("Europe/Berlin", office, "2026-03-28T05:00:00Z", "2026-03-28T08:00:00Z", "2026-03-28T16:00:00Z"),
            ("Europe/Berlin", office, "2026-03-28T16:00:00Z", "2026-03-29T07:00:00Z", "2026-03-29T15:00:00Z"),
            ("Europe/Berlin", office, "2026-03-29T09:30:00Z", "2026-03-29T09:30:00Z", "2026-03-29T15:00:00Z"),
            ("Europe/Berlin", office, "2026-10-24T15:00:00Z", "2026-10-25T08:00:00Z", "2026-10-25T16:00:00Z"),
            ("Europe/Berlin", night, "2026-03-28T00:00:00Z", "2026-03-28T01:30:00Z", "2026-03-28T03:00:00Z"),
            ("Europe/Berlin", night, "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"),
            ("Europe/Berlin", night, "2026-10-24T23:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"),
            ("Europe/Berlin", night, "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z", "2026-10-25T03:00:00Z"),
            // A window that ends in the hour that is skipped, and one that is all of the hour that comes twice.
            ("Europe/Berlin", [(0, 60, 150)], "2026-03-28T23:00:00Z", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", [(0, 120, 180)], "2026-10-24T23:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z"),
            // The only window of the week is in the hour that is skipped: a week later.
            ("Europe/Berlin", [(0, 120, 180)], "2026-03-25T12:00:00Z", "2026-04-05T00:00:00Z", "2026-04-05T01:00:00Z"),
            ("Europe/Berlin", [(0, 120, 180)], "2026-03-18T12:00:00Z", "2026-03-22T01:00:00Z", "2026-03-22T02:00:00Z"),
            (
                "America/New_York", [(0, 120, 180)], "2026-03-05T00:00:00Z", "2026-03-15T06:00:00Z",
                "2026-03-15T07:00:00Z"
            ),
            ("America/Santiago", [(0, 0, 60)], "2026-09-05T20:00:00Z", "2026-09-13T03:00:00Z", "2026-09-13T04:00:00Z"),
            (
                "Australia/Lord_Howe", [(0, 120, 150)], "2026-10-01T00:00:00Z", "2026-10-10T15:00:00Z",
                "2026-10-10T15:30:00Z"
            ),
            // Over midnight, into the next week and year, and through a change of the clock.
            ("UTC", [(5, 1_320, 360)], "2026-07-24T12:00:00Z", "2026-07-24T22:00:00Z", "2026-07-25T06:00:00Z"),
            ("UTC", [(5, 1_320, 360)], "2026-07-25T05:59:59Z", "2026-07-25T05:59:59Z", "2026-07-25T06:00:00Z"),
            ("UTC", [(5, 1_320, 360)], "2026-07-25T06:00:00Z", "2026-07-31T22:00:00Z", "2026-08-01T06:00:00Z"),
            ("UTC", [(6, 1_439, 1)], "2026-07-26T00:00:00Z", "2026-07-26T00:00:00Z", "2026-07-26T00:01:00Z"),
            ("UTC", [(4, 1_380, 60)], "2026-12-31T23:30:00Z", "2026-12-31T23:30:00Z", "2027-01-01T01:00:00Z"),
            (
                "Europe/Berlin", [(6, 1_320, 360)], "2026-03-28T20:00:00Z", "2026-03-28T21:00:00Z",
                "2026-03-29T04:00:00Z"
            ),
            (
                "America/Santiago", [(6, 1_380, 60)], "2026-09-05T20:00:00Z", "2026-09-06T03:00:00Z",
                "2026-09-06T04:00:00Z"
            ),
            // A day that Samoa left out.
            ("Pacific/Apia", [(5, 0, 1_440)], "2011-12-29T12:00:00Z", "2012-01-05T10:00:00Z", "2012-01-06T10:00:00Z"),
            // New York changes on 2026-03-08 and 2026-11-01.
            ("America/New_York", office, "2026-03-07T22:00:00Z", "2026-03-08T13:00:00Z", "2026-03-08T21:00:00Z"),
            ("America/New_York", office, "2026-10-31T21:00:00Z", "2026-11-01T14:00:00Z", "2026-11-01T22:00:00Z"),
            ("Asia/Kolkata", office, "2026-07-22T00:00:00Z", "2026-07-22T03:30:00Z", "2026-07-22T11:30:00Z"),
            // Monday only, just closed: the next one is a week away.
            ("UTC", [(1, 0, 1)], "2026-07-20T00:01:00Z", "2026-07-27T00:00:00Z", "2026-07-27T00:01:00Z"),
            // Until midnight; from the 31st into the next year.
            ("UTC", [(4, 1_380, 1_440)], "2026-12-31T23:30:00Z", "2026-12-31T23:30:00Z", "2027-01-01T00:00:00Z"),
            ("UTC", [(5, 0, 60)], "2026-12-31T23:30:00Z", "2027-01-01T00:00:00Z", "2027-01-01T01:00:00Z"),
        ] as [(String, [(Int, Int, Int)], String, String, String)])
    func theNextOpeningIsByTheWallClock(
        timezone: String, windows: [(Int, Int, Int)], at: String, opens: String, closes: String
    ) throws {
        let opening = try #require(Self.schedule(timezone, windows).opening(atOrAfter: try Self.time(at)))

        #expect(opening == (try Self.time(opens)..<(try Self.time(closes))))
    }

    @Test func twoWindowsOfADayAreTakenInTurn() throws {
        let schedule = Self.schedule("UTC", [(3, 540, 600), (3, 660, 720)])

        let opening = try #require(schedule.opening(atOrAfter: try Self.time("2026-07-22T10:00:00Z")))

        #expect(opening == (try Self.time("2026-07-22T11:00:00Z")..<(try Self.time("2026-07-22T12:00:00Z"))))
    }

    @Test func withoutAWindowOrAZoneThereIsNoOpening() throws {
        #expect(Self.schedule("UTC", []).opening(atOrAfter: try Self.time("2026-07-22T10:00:00Z")) == nil)
        #expect(Self.schedule("Nowhere/At_All", Self.office).opening(atOrAfter: .init(microseconds: 0)) == nil)
    }

    /// Whatever is asked, in the zones with the oddest clocks: it is open when the clock on the wall says so.
    @Test(arguments: [
        "Europe/Berlin", "America/Santiago", "Africa/Casablanca", "Australia/Lord_Howe", "Asia/Tehran", "Pacific/Apia",
        "America/St_Johns", "Africa/Cairo", "Asia/Beirut", "Antarctica/Troll",
    ]) func whatIsOpenIsInAWindowByTheClock(timezone: String) throws {
        let zone = try #require(TimeZone(identifier: timezone))
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let windows = [(0, 30, 90), (0, 120, 180), (2, 1_380, 30), (5, 0, 10), (6, 1_410, 20)]
        let schedule = Self.schedule(timezone, windows)
        func isOpen(_ time: Timestamp) -> Bool {
            let parts = calendar.dateComponents(
                [.weekday, .hour, .minute], from: Date(timeIntervalSince1970: Double(time.seconds)))
            let (day, minute) = ((parts.weekday ?? 1) - 1, (parts.hour ?? 0) * 60 + (parts.minute ?? 0))
            return windows.contains { window in
                window.1 < window.2
                    ? day == window.0 && (window.1..<window.2).contains(minute)
                    : day == window.0 && minute >= window.1 || day == (window.0 + 1) % 7 && minute < window.2
            }
        }

        let start = try Self.time("2026-01-01T00:00:00Z")
        var time = start
        var end = start
        while time < start + .seconds(366 * 86_400) {
            let opening = try #require(schedule.opening(atOrAfter: time))
            #expect(opening.lowerBound >= end, "\(time)")
            // Closed before, open inside, and closed after it.
            if opening.lowerBound > end { #expect(!isOpen(opening.lowerBound - .seconds(60)), "\(opening)") }
            #expect(isOpen(opening.lowerBound) && isOpen(opening.upperBound - .seconds(60)), "\(opening)")
            // The next window may begin there, when the clock skips what is between them.
            let isNext = schedule.opening(atOrAfter: opening.upperBound)?.lowerBound == opening.upperBound
            #expect(isOpen(opening.upperBound) == isNext, "\(opening)")
            (time, end) = (opening.upperBound, opening.upperBound)
        }
    }

    @Test(arguments: [Timestamp.first, .last]) func theEndsOfTimeAreNoTrap(time: Timestamp) {
        _ = Self.schedule("Europe/Berlin", Self.office).opening(atOrAfter: time)
        _ = SendPlan.times(3, after: nil, gap: .seconds(60), schedule: Self.schedule("UTC", []), at: time)
    }

    @Test func withoutAnOpeningNothingGoes() throws {
        let now = try Self.time("2026-07-22T08:00:00Z")
        for schedule in [Self.schedule("UTC", []), Self.schedule("Nowhere/At_All", Self.office)] {
            let times = SendPlan.times(2, after: nil, gap: .zero, schedule: schedule, at: now)

            #expect(times.allSatisfy { $0 >= now + .seconds(14 * 86_400) })
        }
    }

    @Test func whatDoesNotFitSpillsIntoTheNextWindow() throws {
        let schedule = Self.schedule("UTC", [(3, 540, 541), (4, 540, 541)])
        let now = try Self.time("2026-07-22T08:00:00Z")

        let times = SendPlan.times(4, after: nil, gap: .seconds(25), schedule: schedule, at: now)
        let unpaced = SendPlan.times(2, after: nil, gap: .zero, schedule: schedule, at: now)

        let nine = try Self.time("2026-07-22T09:00:00Z")
        #expect(times == [nine, nine + .seconds(25), nine + .seconds(50), nine + .seconds(86_400)])
        #expect(unpaced == [nine, nine])
    }
}
