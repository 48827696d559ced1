import Foundation
import TestSupport
import Testing
import Timestamps

@testable import Dashboard
@testable import Gateway

/// Times of pages: in the account's zone, and near ones relative to now.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct PageTimesTests {
    private static func time(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: text)) }

    @Test(arguments: [
        ("Europe/Berlin", "2026-07-22T10:00:00Z", "2026-07-22T10:05:30Z", "5 min ago"),
        ("Europe/Berlin", "2026-07-22T12:05:00Z", "2026-07-22T10:05:00Z", "in 2 h"),
        ("Europe/Berlin", "2026-07-20T22:30:00Z", "2026-07-22T10:05:00Z", "21 July 2026, 00:30"),
        ("America/Los_Angeles", "2026-01-01T07:59:59Z", "2026-07-22T10:05:00Z", "31 December 2025, 23:59"),
        ("Nowhere/At_All", "2026-01-01T07:59:59Z", "2026-07-22T10:05:00Z", "1 January 2026, 07:59"),
        ("Europe/Berlin", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "31 December 9999, 23:59"),
    ])
    func aMomentIsShownInTheZone(zone: String, time: String, now: String, text: String) throws {
        let (time, now) = (try Self.time(time), try Self.time(now))

        let html = PageTimes(zone: zone, now: now).place(in: "<p>\(PageTime.shown(time))</p>")

        #expect(html.hasPrefix("<p><time datetime=\"\(time.rfc3339)\" title=\""))
        #expect(html.hasSuffix(">\(text)</time></p>"), "\(html)")
    }

    @Test func withinAnAttributeItIsText() throws {
        let times = PageTimes(zone: "Europe/Berlin", now: try Self.time("2026-07-22T10:05:00Z"))
        let time = try Self.time("2026-07-22T10:00:00Z")

        let html = times.place(
            in: "<a title=\"\(PageTime.shown(time)) \(PageTime.clock(time))\">\(PageTime.clock(time))</a> > b")

        #expect(
            html == """
                <a title="22 July 2026, 12:00:00 GMT+2 12:00"><time datetime="2026-07-22T10:00:00Z" \
                title="22 July 2026, 12:00:00 GMT+2">12:00</time></a> > b
                """)
    }

    @Test(arguments: [("2026-07-21T22:30:00Z", "Today"), ("2026-07-21T21:30:00Z", "21 July 2026")])
    func theDayOfAMomentIsTodayOrItsDate(time: String, text: String) throws {
        let times = PageTimes(zone: "Europe/Berlin", now: try Self.time("2026-07-22T10:05:00Z"))
        let day = PageTime.day(try Self.time(time))

        let html = times.place(in: "<p>\(day)</p>")

        #expect(html.hasSuffix(">\(text)</time></p>"), "\(html)")
    }

    private static let begin = String(decoding: PageTime.begin, as: UTF8.self)

    @Test(arguments: ["", "a", "\u{F8FF}n0;", begin, begin + "n;", begin + "n", begin + "é9;", "<\u{F8FF}>"])
    func whatIsNoMarkStaysOrVanishes(text: String) {
        let html = PageTimes(zone: "UTC", now: Timestamp(seconds: 0)).place(in: text)

        #expect(!html.contains("<time") && text.hasPrefix(html))
    }

    /// In Berlin, 02:30 comes twice on 25 October 2026, and not at all on 29 March.
    @Test(
        arguments: [
            ("2026-07-22T12:00", "2026-07-22T10:00:00Z"), ("2026-10-25T02:30", "2026-10-25T00:30:00Z"),
            ("2026-03-29T02:30", "2026-03-29T01:30:00Z"), ("2026-07-22T12:00:07", "2026-07-22T10:00:07Z"),
            ("x", nil), ("", nil), ("T00:00", nil), ("2026-13-01T00:00", nil),
        ] as [(String, String?)])
    func aFieldIsReadByTheClocksOfTheZone(field: String, time: String?) {
        #expect(PageTimes(zone: "Europe/Berlin", now: .first).time(ofField: field)?.rfc3339 == time)
    }

    @Test(arguments: Engine.enabled) func theZoneOfTheAccountCountsOnEveryPage(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let saved = try await page.submit("/account/timezone", on: "/account", [("timezone", "Asia/Tokyo")])
            #expect(saved.header("Location") == "/account?notice=zone")
            #expect(try await page.get("/account?notice=zone").text.contains("The time zone was saved."))
            #expect(try await account.client.get("/v1/users/me").data["timezone"] == "Asia/Tokyo")
            #expect(try await page.submit("/account/timezone", on: "/account", [("timezone", "x")]).status == 404)

            let time = server.clock.now() + .seconds(86_400)
            let field = String(PageTimes(zone: "Asia/Tokyo", now: .first).field(time).prefix(16))
            let sent = try await page.submit(
                "/messages/new", on: "/messages/new",
                [("from", phone.number), ("to", "+18005550100"), ("content", "Later"), ("send_at", field)])

            let stored = try await account.client.get("/v1/messages/search").data[0]["scheduled_send_time"].string
            #expect(stored == String(time.rfc3339.prefix(16)) + ":00Z")
            #expect(try await page.get("/messages/new").text.contains("time in Asia/Tokyo"))
            let text = try await page.get(try #require(sent.header("Location"))).text
            #expect(text.contains("datetime=\"\(stored)\" title=\"") && text.contains("GMT+9\""))
            #expect(!text.contains("\u{F8FF}"))
        }
    }
}
