import Delivery
import Secrets
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// Each figure and where it begins to be told. ``AlertTests`` has who is told.
///
/// On one engine: the tests let minutes pass in milliseconds, in which a node on PostgreSQL does not keep its lease.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct AlertConditionTests {
    private static func causes(
        _ server: TestServer, _ account: Account, health: ServerHealth = ServerHealth(),
        clocks: ClockGuard = ClockGuard(SteppableClock())
    ) async throws -> [String] {
        let keyring = try Keyring(masterKey: [UInt8](repeating: 7, count: 32))
        let conditions = AlertConditions(
            attention: AttentionQueries(endpoints: EndpointQueries(keyring: keyring), pushes: []), clocks: clocks,
            health: { health })
        let id = UserID(account.id)
        return try await server.store.read { tx in
            try conditions.all(of: id, open: [], in: tx).map { "\($0.cause.rawValue) \($0.subject)" }
        }
    }

    private static func health(_ change: (inout ServerHealth) -> Void) -> ServerHealth {
        var health = ServerHealth()
        change(&health)
        return health
    }

    @Test func whatIsWrongWithTheServerIsToldToItsOwner() async throws {
        try await withServer { server in
            let (owner, invited) = (try await server.makeAccount(), try await server.makeAccount())
            let low = AlertConditions.freeBytes - 1
            // The clock of the test goes on, by a little.
            let ends = server.clock.now() + .seconds(14 * 86_400)
            let cases: [(ServerHealth, [String])] = [
                (ServerHealth(), []),
                (Self.health { $0.freeBytes = AlertConditions.freeBytes }, []),
                (Self.health { $0.freeBytes = low }, ["disk.low "]),
                (Self.health { $0.freeBytes = 0 }, ["disk.low "]),
                (Self.health { $0.freeBytesOfFiles = low }, ["disk.low attachments"]),
                // The disk of both is told of once.
                (Self.health { ($0.freeBytes, $0.freeBytesOfFiles) = (low, low) }, ["disk.low "]),
                (Self.health { $0.filesTrouble = "it is not mounted" }, ["disk.low attachments"]),
                (Self.health { $0.certificateUntil = ends + .seconds(3_600) }, []),
                (Self.health { $0.certificateUntil = ends - .seconds(1) }, ["certificate.expires "]),
                (Self.health { $0.certificateUntil = .first }, ["certificate.expires "]),
            ]
            for (health, causes) in cases {
                let told = try await Self.causes(server, owner, health: health)
                #expect(told == causes, "\(health)")
                let others = try await Self.causes(server, invited, health: health)
                #expect(others == [], "\(health)")
            }
        }
    }

    @Test func aClockThatWasSetForwardIsToldUntilItIsBelieved() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let clock = SteppableClock()
            let clocks = ClockGuard(clock)
            let steps: [(Duration, [String])] = [
                (.seconds(1_800), []), (.seconds(-7_200), []), (.seconds(2 * 86_400), ["clock.step "]),
            ]
            for (step, causes) in steps {
                clock.step(by: step)
                _ = clocks.look()
                let told = try await Self.causes(server, account, clocks: clocks)
                #expect(told == causes, "\(step)")
            }
            clock.pass(ClockGuard.patience + .seconds(1))
            _ = clocks.look()
            let told = try await Self.causes(server, account, clocks: clocks)
            #expect(told == [])
        }
    }

    /// A server that was away for long does not believe its clock either, and that is nothing to tell.
    @Test func aLongAbsenceIsNoAlert() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let clock = SteppableClock()
            let clocks = ClockGuard(clock, lastAlive: clock.now() - .seconds(30 * 86_400))
            let told = try await Self.causes(server, account, clocks: clocks)
            #expect(!clocks.isBelieved && told == [])
        }
    }

    @Test func aWebhookThatFailsForTenMinutesIsToldUntilItAnswers() async throws {
        let isUp = Flag()
        try await withWebhookServer { request, _ in
            .status(request.path == "/hook" && !isUp.isSet ? 500 : 200)
        } body: { server, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url("/hook"))
            _ = try await AlertTests.makeAlertWebhook(account, receiver.url("/alerts"), ["events": ["webhook.failing"]])
            try await account.receive("Hello", on: phone)
            await #expect(throws: AlertTests.NotTold.self) {
                try await AlertTests.look(server, minutes: 8, until: "an alert") {
                    !receiver.requests(to: "/alerts").isEmpty
                }
            }
            try await AlertTests.look(server, until: "an alert") { receiver.requests(to: "/alerts").count == 1 }
            isUp.set()
            try await account.receive("Hello again", on: phone)
            try await AlertTests.look(server, until: "an end") {
                receiver.requests(to: "/alerts").contains {
                    $0.eventType == "webhook.failing" && $0.json["data"]["state"] == "over"
                }
            }

            let told = receiver.requests(to: "/alerts").filter { $0.eventType == "webhook.failing" }
            #expect(told.map { $0.json["data"]["state"] } == ["open", "over"])
            #expect(told.allSatisfy { $0.json["data"]["subject"] == webhook["id"] })
        }
    }

    @Test func whatWaitsForFiveMinutesIsToldUntilItIsSent() async throws {
        try await withWebhookServer { request, count in
            request.path == "/hook" && count == 0 ? .status(429, headers: ["Retry-After": "1200"]) : .status(200)
        } body: { server, account, phone, receiver in
            _ = try await account.makeWebhook(receiver.url("/hook"))
            _ = try await AlertTests.makeAlertWebhook(account, receiver.url("/alerts"), ["events": ["queue.old"]])
            try await account.receive("Hello", on: phone)
            _ = try await receiver.requests(1, to: "/hook")
            try await account.receive("Hello again", on: phone)
            try await AlertTests.look(server, until: "an alert") { receiver.requests(to: "/alerts").count == 1 }
            #expect(receiver.requests(to: "/hook").count == 1)
            try await AlertTests.look(server, until: "an end") { receiver.requests(to: "/alerts").count == 2 }

            #expect(receiver.requests(to: "/hook").count == 3)
            #expect(receiver.requests(to: "/alerts").map { $0.json["data"]["state"] } == ["open", "over"])
        }
    }
}
