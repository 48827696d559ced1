import HTTPSMSWebhooks
import TestSupport
import Testing

@testable import Gateway
@testable import PhoneSimulator

/// `httpsms phone simulate` without the command around it.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct PhoneSimulatorTests {
    private static func settings(_ more: [String: String?]) throws -> PhoneSimulator.Settings {
        let required: [String: String?] = [
            "url": "http://127.0.0.1:8000", "api-key": "pk_x", "number": "+1 800-555-0199",
        ]
        return try PhoneSimulator.Settings(.init(required.merging(more) { $1 }))
    }

    @Test func optionsHaveDefaults() throws {
        let settings = try Self.settings(["url": "https://sms.example.com/base/"])

        #expect(settings.url == "https://sms.example.com/base")
        #expect(settings.number == "+18005550199")
        #expect(settings.sim == .sim1)
        #expect(settings.failRate == 0)
        #expect(settings.latency == .milliseconds(300))
        #expect(settings.offlineAfter == nil && settings.receiveEvery == nil && settings.missedCallEvery == nil)
        #expect(settings.listenHost == "127.0.0.1" && settings.listenPort == 9_191)
    }

    @Test func optionsAreRead() throws {
        let settings = try Self.settings([
            "sim": "SIM2", "fail-rate": "0.25", "latency": "0ms", "offline-after": "2m", "receive-every": "100ms",
            "missed-call-every": "1h", "listen": "0.0.0.0:0",
        ])

        #expect(settings.sim == .sim2)
        #expect(settings.failRate == 0.25)
        #expect(settings.latency == .zero)
        #expect(settings.offlineAfter == .seconds(120))
        #expect(settings.receiveEvery == .milliseconds(100))
        #expect(settings.missedCallEvery == .seconds(3_600))
        #expect(settings.listenHost == "0.0.0.0" && settings.listenPort == 0)
    }

    @Test(arguments: [
        ("url", "127.0.0.1:8000"), ("api-key", ""), ("number", "0199"), ("sim", "SIM3"), ("fail-rate", "1.1"),
        ("fail-rate", "nan"), ("latency", "1.5s"), ("latency", "-1ms"), ("offline-after", "soon"),
        ("receive-every", "99ms"), ("missed-call-every", "0s"), ("listen", "9191"), ("listen", "127.0.0.1:65536"),
    ])
    func anOptionThatCannotBeReadIsNamed(option: String, value: String) {
        let error = #expect(throws: PhoneSimulator.Settings.Invalid.self) { try Self.settings([option: value]) }

        #expect(error?.description.hasPrefix("--\(option) must be ") == true)
    }

    @Test func diceFollowTheirGenerator() {
        let dice = Dice(Counter())
        #expect((0..<4).map { _ in dice.happens(at: 0.5) } == [true, true, false, false])
        #expect((0..<100).allSatisfy { _ in dice.happens(at: 1) })
        #expect(!(0..<100).contains { _ in dice.happens(at: 0) })
    }

    /// Goes round in quarters of what a generator can give.
    private struct Counter: RandomNumberGenerator, Sendable {
        private var value: UInt64 = 0

        mutating func next() -> UInt64 {
            defer { value &+= 1 << 62 }
            return value
        }
    }

    @Test func numbersAreMasked() {
        #expect(PhoneJournal.masked("+18005550199") == "+18*******99")
        #expect(PhoneJournal.masked("12345") == "*****")
        #expect(PhoneJournal.masked("") == "")
    }

    @Test func itRegistersWritesAndFallsSilentAndSumsUpWhenItIsStopped() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let key = try await account.client.post("/v1/phone-api-keys", ["name": "phone"]).data["api_key"].string
            let settings = try Self.settings([
                "url": server.baseURL, "api-key": key, "listen": "127.0.0.1:0", "receive-every": "100ms",
                "missed-call-every": "100ms", "offline-after": "1s",
            ])
            let lines = Lines()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await PhoneSimulator(settings, say: { lines.add($0) }).run() }
                try await until("it falls silent") { lines.has("offline") }
                group.cancelAll()
            }

            #expect(lines.has("FCM_ENDPOINT=http://127.0.0.1:"))
            #expect(lines.has("registered", "+18*******99 as SIM1"))
            #expect(lines.has("heartbeat"))
            #expect(lines.has("received SMS"))
            #expect(lines.has("missed call"))
            #expect(lines.all.dropLast().last?.hasPrefix("Summary: 0 pushes, ") == true, "\(lines.all)")
            #expect(lines.all.last?.hasPrefix("No push came") == true)
            #expect(try await account.client.get("/v1/heartbeats?owner=%2B18005550199").data.array.count == 1)
        }
    }

    @Test func anSMSThatIsSentAgainDoesNotHoldTheNextOneBack() async throws {
        let registered = Array(#"{"data":{"id":"1","user_id":"2"},"message":"m","status":"success"}"#.utf8)
        try await WebhookReceiver.run({ request, _ in
            request.method == "PUT" ? .status(200, body: registered) : .status(503)
        }) { server in
            let settings = try Self.settings([
                "url": server.url(""), "listen": "127.0.0.1:0", "receive-every": "100ms",
            ])
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await PhoneSimulator(settings) { _ in }.run() }
                let requests = try await server.requests(3, to: "/v1/messages/receive")
                group.cancelAll()
                #expect(Set(requests.map(\.body)).count == requests.count)
            }
        }
    }

    @Test func aServerThatDoesNotWantThePhoneEndsIt() async throws {
        try await withServer { server in
            let settings = try Self.settings(["url": server.baseURL, "listen": "127.0.0.1:0"])

            let error = await #expect(throws: PhoneAPI.Refusal.self) {
                try await PhoneSimulator(settings) { _ in }.run()
            }

            #expect(error?.description.hasPrefix("Cannot validate the API key") == true)
        }
    }
}
