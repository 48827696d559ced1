import HTTPSMSWebhooks
import Storage
import TestSupport
import Testing

@testable import Delivery

/// Which events an endpoint wants of those of its types and numbers.
@Suite(.timeLimit(.minutes(15))) struct EventFilterTests {
    private func subject(_ data: String) -> EventSubject { EventSubject(body: Array(#"{"data":{\#(data)}}"#.utf8)) }

    private func reason(
        _ data: String = #""contact":"+18005550100","content":"Your Code is 1234","sim":"SIM1","encrypted":false"#,
        _ set: (inout EventFilter) -> Void
    ) -> EventMatch.Reason? {
        var filter = EventFilter()
        set(&filter)
        return PreparedFilter(filter).reason(against: subject(data))
    }

    @Test func eachPartSaysThatItDoesNotFit() {
        #expect(reason { _ in } == nil)
        #expect(reason { $0.contacts = ["+1800*"] } == nil)
        #expect(reason { $0.contacts = ["+1900*", "+18005550101"] } == .contactNotSelected)
        #expect(reason { $0.contains = ["nothing", "CODE IS"] } == nil)
        #expect(reason { $0.contains = ["code  is"] } == .textNotContained)
        #expect(reason { $0.words = ["stop", "CODE"] } == nil)
        #expect(reason { $0.words = ["cod"] } == .wordNotContained)
        #expect(reason { $0.pattern = #"\d{4}$"# } == nil)
        #expect(reason { $0.pattern = #"\d{5}"# } == .patternNotMatched)
        #expect(reason { $0.sims = [.sim1] } == nil)
        #expect(reason { $0.sims = [.sim2] } == .simNotSelected)
    }

    @Test(arguments: [
        ("2026-07-22T21:59:59Z", "UTC", false), ("2026-07-22T22:00:00Z", "UTC", true),
        ("2026-07-22T23:59:59.9Z", "UTC", true), ("2026-07-23T00:00:00Z", "UTC", true),
        ("2026-07-23T06:29:59Z", "UTC", true), ("2026-07-23T06:30:00Z", "UTC", false),
        ("2026-07-22T20:00:00Z", "Europe/Berlin", true), ("2026-01-22T20:00:00Z", "Europe/Berlin", false),
        ("2026-07-22T22:00:00Z", "Asia/Tokyo", false), ("2026-07-23T05:00:00Z", "America/New_York", true),
        ("1969-12-31T23:00:00Z", "UTC", true), ("9999-12-31T23:00:00Z", "Mars/Olympus", true), ("soon", "UTC", true),
    ])
    func aNightIsThatOfTheZone(_ time: String, _ zone: String, _ fits: Bool) {
        var filter = EventFilter()
        (filter.times, filter.zone) = ([TimeWindow(from: 22 * 60, until: 6 * 60 + 30)], zone)

        let subject = EventSubject(body: Array(#"{"time":"\#(time)","data":{}}"#.utf8))

        #expect(PreparedFilter(filter).reason(against: subject) == (fits ? nil : .timeNotSelected))
    }

    @Test func aWindowIsReadWhateverIsStored() throws {
        for (from, until, minute, fits) in [
            (0, 1_440, 1_439, true), (0, 1_440, 0, true), (600, 660, 660, false), (600, 600, 600, false),
            (.min, .max, 5, true), (.max, .min, 5, false), (-5, 3, 2, true),
        ] { #expect(TimeWindow(from: from, until: until).contains(minute) == fits, "\(from) \(until)") }
        var filter = EventFilter()
        filter.times = [TimeWindow(from: 1, until: 2), TimeWindow(from: 0, until: 1_440)]
        let subject = EventSubject(body: Array(#"{"time":"2026-07-22T10:00:00Z","data":{}}"#.utf8))
        #expect(PreparedFilter(filter).reason(against: subject) == nil)
    }

    @Test func allThatIsSetMustFit() {
        #expect(reason { ($0.contacts, $0.words, $0.pattern) = (["+1*"], ["code"], "1234") } == nil)
        #expect(reason { ($0.contacts, $0.words, $0.pattern) = (["+1*"], ["code"], "4321") } == .patternNotMatched)
        #expect(reason { ($0.contacts, $0.words) = (["+2*"], ["code"]) } == .contactNotSelected)
    }

    @Test func whatAnEventDoesNotHaveIsNotAskedForAndWhatIsEncryptedFitsNothing() {
        let all: (inout EventFilter) -> Void = {
            ($0.contacts, $0.contains, $0.sims, $0.pattern) = (["BANK"], ["x"], [.sim2], "x")
        }
        #expect(reason("", all) == nil)
        #expect(reason(#""contact":"Bank""#, all) == nil)
        #expect(reason(#""contact":null,"content":null"#, all) == nil)
        let encrypted = #""content":"x","encrypted":true"#
        #expect(reason(encrypted) { $0.contains = ["x"] } == .textNotContained)
        #expect(reason(encrypted) { $0.words = ["x"] } == .wordNotContained)
        #expect(reason(encrypted) { $0.pattern = "x" } == .patternNotMatched)
        #expect(reason(encrypted) { $0.contacts = ["x"] } == nil)
        #expect(PreparedFilter(EventFilter()).reason(against: EventSubject(body: Array("no JSON".utf8))) == nil)
    }

    /// é is one character or two, and a capital letter in one of the two.
    @Test func textsAreComparedByWhatTheyShow() {
        let data = #""content":"CAFE\u0301 stra\u00dfe""#
        #expect(reason(data) { $0.contains = ["café"] } == nil)
        #expect(reason(data) { $0.words = ["caf\u{E9}"] } == nil)
        #expect(reason(data) { $0.words = ["cafe\u{301}", "x"] } == nil)
        #expect(reason(data) { $0.pattern = "^cafe\u{301} " } == nil)
    }

    @Test(
        arguments: [
            ("", "", true), ("", "*", true), ("", "?", false), ("a", "", false), ("abc", "a*c", true),
            ("abc", "A?C", true),
            ("abcd", "a?c", false), ("+18005550100", "+1???555*", true),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "*a*a*a*a*a*a*c", false),
            ("abab", "*ab", true), ("abc", "**", true), ("[x]", "[x]", true), ("ÄB", "ä*", true),
            (String(repeating: "\u{130}", count: 63), String(repeating: "\u{130}", count: 63) + "*", true),
            (String(repeating: "a", count: 300), String(repeating: "a", count: 300), false),
        ] as [(String, String, Bool)]) func aContactFitsAPatternOfTwoSigns(text: String, pattern: String, fits: Bool)
    {
        let scalars = Array(text.lowercased().unicodeScalars)
        var steps = 0
        #expect(Wildcard(pattern).fits(scalars, steps: &steps) == fits)
        #expect(steps <= scalars.count)
    }

    /// The log says what did not fit, and a replay of what was never sent looks at the filter as it is now.
    @Test(arguments: Engine.enabled) func theLogSaysWhichFilterDidNotFit(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let (all, some) = (
                try await harness.addEndpoint(types: [.messageReceived, .heartbeatOffline]),
                try await harness.addEndpoint(types: [.messageReceived, .heartbeatOffline])
            )
            try await harness.change(some) { $0.filter.words = ["stop"] }
            let payload = EventType.messageReceived.declaration.sample.payload
            let event = OutgoingEvent(
                id: EventID(at: harness.clock.now()), userID: EngineHarness.userID, owner: EngineHarness.owner,
                source: "/v1/messages/receive", payload: payload)
            try await harness.store.write { tx in try tx.emit(event) }
            try await harness.emit()

            let entries = try await harness.store.read { tx in
                try EventLog.page(userID: EngineHarness.userID, after: 0, limit: 10, in: tx).events
            }
            let reasons = entries.map { entry in
                Dictionary(uniqueKeysWithValues: entry.matches.map { ($0.endpoint, $0.reason) })
            }
            #expect(reasons == [[all: nil, some: .wordNotContained], [all: nil, some: nil]])
            #expect(try await harness.deliveries(to: some).count == 1)
            #expect(try await harness.deliveries(to: all).count == 2)

            try await harness.change(some) { $0.filter = EventFilter() }
            let found = try await harness.store.read { [endpoints = harness.endpoints] tx in
                try endpoints.find(some, userID: EngineHarness.userID, in: tx)?.filter
            }
            #expect(found?.isEmpty == true)
        }
    }
}
