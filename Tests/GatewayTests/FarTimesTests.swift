import Delivery
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// The ends of what a client may name as a time: those of 32 bits, and of four digits.
@Suite(.timeLimit(.minutes(15))) struct FarTimesTests {
    private static let past = ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z"]
    private static let future = ["2038-01-19T03:14:08Z", "9999-12-31T23:59:59.999999Z"]

    @Test(arguments: Engine.enabled) func everyRouteThatTakesATimeTakesOrRefusesFarOnes(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let webhook = try await account.makeWebhook("http://127.0.0.1:1/hook")["id"].string
            let draft: JSON = ["from": "+18005550199", "to": "+18005550100", "content": "Hi"]
            let later: JSON = .string((server.clock.now() + .seconds(86_400)).rfc3339)
            let held = try await account.send(["send_at": later])["id"].string
            let client = account.client
            for (time, isPast) in Self.past.map({ ($0, true) }) + Self.future.map({ ($0, false) }) {
                let text = JSON.string(time)
                let query = time.replacing("+", with: "%2B")
                let sent = try await client.post("/v1/messages/send", draft.with(["send_at": text]))
                #expect(sent.status == (isPast ? 200 : 422), "\(time)")
                let key = try await client.post(
                    "/v1/access-keys", ["name": "far", "scopes": ["messages:read"], "expires_at": text])
                #expect([200, 201].contains(key.status) == !isPast && (key.status == 422) == isPast, "\(time)")
                if !isPast {
                    let moved = try await client.put("/v1/messages/\(held)", ["send_at": text])
                    #expect(moved.status == 422, "\(time)")
                }
                for path in ["/v1/messages/search?since=\(query)", "/v1/messages/search?until=\(query)"] {
                    #expect(try await client.get(path).status == 200, "\(path)")
                }
                for name in ["since", "until"] {
                    let path = "/v1/webhooks/\(webhook)/deliveries?\(name)=\(query)"
                    #expect(try await client.get(path).status == 200, "\(path)")
                    let replay = try await client.post("/v1/webhooks/\(webhook)/replay", [name: text])
                    #expect([200, 201, 202, 422].contains(replay.status), "\(name) \(time) \(replay.status)")
                }
                let heard: JSON = ["from": "+18005550100", "content": text, "timestamp": text]
                #expect(try await phone.receive(heard).status == 200, "\(time)")
                let call = try await phone.client.post(
                    "/v1/messages/calls/missed",
                    ["to": "+18005550199", "from": "+18005550100", "sim": "SIM1", "timestamp": text])
                #expect(call.status == 200, "\(time)")
                let row = "+18005550199,+18005550100,Hi,\(time),\n"
                #expect(try await account.upload(BulkFile.header + row).status == 422, "\(time)")
            }

            for path in [
                "/v1/messages/search", "/v1/access-keys", "/v1/events", "/v1/message-threads?owner=%2B18005550199",
            ] {
                #expect(try await client.get(path).status == 200, "\(path)")
            }
        }
    }

    /// Quiet hours are those of the clock on the wall: one that is skipped is skipped, and one that comes twice is quiet twice.
    @Test(arguments: [
        // Berlin goes from 02:00 to 03:00 on 2026-03-29, and from 03:00 back to 02:00 on 2026-10-25.
        ("2026-03-29T00:59:59Z", 119), ("2026-03-29T01:00:00Z", 180), ("2026-10-25T00:00:00Z", 120),
        ("2026-10-25T00:59:59Z", 179), ("2026-10-25T01:00:00Z", 120), ("2026-10-25T02:00:00Z", 180),
        ("1970-01-01T00:00:00Z", 60), ("2038-01-19T03:14:08Z", 254), ("9999-12-31T23:59:59Z", 59),
    ]) func theMinuteOfTheDayIsThatOfTheWall(time: String, minute: Int) throws {
        let time = try #require(Timestamp(rfc3339: time))

        #expect(TimeWindow.minute(of: time, in: "Europe/Berlin") == minute)
    }

    @Test(arguments: [Timestamp.first, .last]) func theEndsOfTimeHaveAMinute(time: Timestamp) {
        for zone in ["Europe/Berlin", "Pacific/Kiritimati", "Pacific/Niue", "nowhere"] {
            #expect((0..<1_440).contains(TimeWindow.minute(of: time, in: zone)))
        }
    }
}
