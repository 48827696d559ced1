import Storage
import TestSupport
import Testing

@testable import Gateway

/// What the app calls besides messages and hooks, and under which URLs.
@Suite(.timeLimit(.minutes(15))) struct DeviceRouteTests {
    private static func withDevice(
        _ body: @escaping @Sendable (TestServer, Account, DevicePhone) async throws -> Void
    ) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            try await body(server, account, try await DevicePhone.make(server, account))
        }
    }

    /// The app shows `message` to its user.
    @Test func whatIsDoneInTheDashboardIsSaidInASentence() async throws {
        try await Self.withDevice { server, _, device in
            let code = try await device.send("GET", "/user/code")
            #expect(code.status == 501 && code.json == ["message": "Get the code in the dashboard."])
            let change: JSON = ["currentPassword": "a", "newPassword": "b"]
            let password = try await device.send("PATCH", "/user/password", change)
            #expect(password.status == 403 && password.json.object.keys.sorted() == ["message"])
            let stranger = DevicePhone(client: server.client, id: device.id, token: "dv_x")
            for path in ["/device", "/message", "/webhooks", "/settings", "/events"] {
                let answer = try await stranger.send("GET", path)
                #expect(answer.status == 401 && answer.json.object.keys.sorted() == ["message"], "\(path)")
            }
        }
    }

    /// The app puts its paths behind what was typed, as it stands.
    @Test(arguments: ["/api/mobile/v1", "/mobile/v1", "/api/mobile/v1/", "/API/Mobile/v1"])
    func theURLMayBeTypedInMoreThanOneWay(url: String) async throws {
        try await Self.withDevice { server, account, device in
            let id = try await account.send()["id"].string
            _ = try await server.message(id, of: account, is: "scheduled")
            let headers = [("Authorization", "Bearer \(device.token)")]

            for path in ["/message?order=fifo", "/messages"] {
                let answer = try await server.client.send("GET", url + path, headers: headers)
                #expect(answer.status == 200 && answer.json[0]["id"].string == id, "\(path): \(answer)")
            }
        }
    }

    /// Apps before 1.67.0 do not know the event, and have nothing to take back.
    @Test(arguments: [("1.66.2", 0), ("1.67.0", 1)])
    func whatIsDeletedIsTakenBackFromAppsThatKnowHow(version: String, count: Int) async throws {
        try await Self.withDevice { server, account, device in
            var device = device
            device.version = version
            let id = try await account.send()["id"].string
            _ = try await server.message(id, of: account, is: "scheduled")
            #expect(try await device.pull().count == 1)
            #expect(try await account.client.delete("/v1/messages/\(id)").status == 204)

            let deviceID = try #require(DeviceID(device.id))
            let news = try await server.store.read { tx in try DeviceTeller.News(of: deviceID, in: tx) }
            #expect(news?.cancelled.count == count)
        }
    }
}
