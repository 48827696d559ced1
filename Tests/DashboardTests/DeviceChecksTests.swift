import Storage
import TestSupport
import Testing
import Timestamps

@testable import Dashboard
@testable import Gateway

/// The check list of a phone that is being connected.
@Suite(.timeLimit(.minutes(15))) struct DeviceChecksTests {
    private static func checks(
        _ server: TestServer, _ device: DevicePhone, hasReceived: Bool = false
    ) async throws -> DeviceChecks {
        let now = server.clock.now()
        return try await server.store.read { tx in
            let id = try #require(DeviceID(device.id))
            let found = try #require(try PhoneDeviceQueries.find(id, in: tx))
            return DeviceChecks(found, hasReceived: hasReceived, now: now)
        }
    }

    private static func done(_ checks: DeviceChecks) -> [String] {
        checks.checks.filter { $0.status == "done" }.map(\.name)
    }

    @Test(arguments: Engine.enabled) func eachStepIsTickedWhenItWasTaken(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let device = try await DevicePhone.make(server, account)
            #expect(Self.done(try await Self.checks(server, device)) == ["Registered", "Notification channel"])

            _ = try await device.send("GET", "/settings")
            let id = try #require(DeviceID(device.id))
            try await server.store.write { tx in try PhoneDeviceQueries.note(.streamed, of: id, in: tx) }
            let hook = try await device.hookPath()
            let open = try await Self.checks(server, device)
            let sms: JSON = ["message": "Hi", "sender": "+18005550100", "simNumber": 1]
            #expect(try await device.post("sms:received", sms, id: "1", to: hook).status == 200)
            let received = try await server.store.read { tx in
                try DeviceOperations.hasReceived(#require(try PhoneDeviceQueries.find(id, in: tx)), in: tx)
            }
            let all = try await Self.checks(server, device, hasReceived: received)

            #expect(open.isOpen && Self.done(open).count == 6)
            #expect(!all.isOpen && Self.done(all).count == all.checks.count && all.warnings.isEmpty)
        }
    }

    /// A device that registers again has fetched nothing since: what is older does not count.
    @Test func whatIsOlderThanTheRegistrationDoesNotCount() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let numbers: JSON = ["numbers": [["sim": "SIM1", "phone_number": "+18005550199"]]]
            let token = try await account.client.post("/v1/devices/pairings", numbers).data["private_token"].string
            let first = try await DevicePhone.register(server, "Bearer \(token)").json
            let device = DevicePhone(client: server.client, id: first["id"].string, token: first["token"].string)
            for path in ["/webhooks", "/settings", "/message"] { _ = try await device.send("GET", path) }
            #expect(Self.done(try await Self.checks(server, device)).count == 5)

            server.advance(by: .seconds(60))
            _ = try await DevicePhone.register(server, "Bearer \(token)")

            #expect(Self.done(try await Self.checks(server, device)) == ["Registered", "Notification channel"])
        }
    }

    @Test func aChannelThatNeverTellsIsWrongAndSoIsAClock() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let device = try await DevicePhone.make(server, account)
            _ = try await device.send("PATCH", "/device", ["id": .string(device.id), "pushToken": "vendor"])
            let id = try #require(DeviceID(device.id))
            try await server.store.write { tx in
                try PhoneDeviceQueries.note(
                    .init(appVersion: AppVersion(1, 66, 1), clockError: .seconds(-1_320), isSignatureRight: false),
                    of: id, in: tx)
            }

            let checks = try await Self.checks(server, device)

            #expect(
                checks.checks.filter { $0.status == "wrong" }.map(\.name) == [
                    "Notification channel", "Connection open",
                ])
            #expect(checks.warnings.count == 3)
            #expect(checks.warnings[0].contains("loses SMS"))
            #expect(checks.warnings[1].contains("clock is 22 min ahead"))
            server.advance(by: .seconds(3_601))
            #expect(try await !Self.checks(server, device).isOpen)
        }
    }
}
