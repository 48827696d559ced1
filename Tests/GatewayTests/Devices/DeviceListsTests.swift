import TestSupport
import Testing

@testable import Gateway

/// What a device fetches once a day, by the version of its app.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct DeviceListsTests {
    @Test(
        arguments: [
            ("1.68.0", ["sms:received", "system:ping", "mms:downloaded", "app:started"]),
            ("1.65.9", ["sms:received", "system:ping", "mms:downloaded"]),
            ("1.55.1", ["sms:received", "system:ping", "mms:received"]),
            ("1.46.0", ["sms:received", "system:ping"]),
            ("1.15.0", ["sms:received"]),
            ("2.0.0", ["sms:received", "system:ping", "mms:downloaded", "app:started"]),
            ("999999999999999999999.1.1", ["sms:received", "system:ping"]),
            ("1.x.0", ["sms:received", "system:ping"]),
            ("", ["sms:received", "system:ping"]),
        ] as [(String, [String])])
    func anAppIsToldOfEventsThatItKnows(version: String, events: [String]) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            var device = try await DevicePhone.make(server, account)
            device.version = version

            let list = try await device.send("GET", "/webhooks").json.array

            #expect(list.map { $0["event"].string } == events)
            #expect(Set(list.map { $0["id"].string }).count == list.count)
            #expect(Set(list.map { $0["url"].string }).count == 1)
            #expect(try await device.send("GET", "/webhooks").json.array == list)
        }
    }

    @Test(
        arguments: [
            ("1.53.0", ["gateway", "messages", "ping", "webhooks"]), ("1.52.9", ["messages", "ping", "webhooks"]),
            ("1.45.0", ["ping", "webhooks"]), ("none", ["ping", "webhooks"]),
        ] as [(String, [String])])
    func anAppIsToldOfSettingsThatItKnows(version: String, sections: [String]) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            var device = try await DevicePhone.make(server, account)
            device.version = version

            let settings = try await device.send("GET", "/settings").json

            #expect(settings.object.keys.sorted() == sections)
            #expect(settings["ping"] == ["interval_seconds": 900])
            #expect(settings["webhooks"]["internet_required"] == false)
            #expect(settings["webhooks"]["signing_key"].string.count >= 22)
            if sections.contains("messages") { #expect(settings["messages"] == ["processing_order": "FIFO"]) }
            if sections.contains("gateway") { #expect(settings["gateway"] == ["notification_channel": "SSE_ONLY"]) }
        }
    }

    @Test(
        arguments: [
            ("me.capcom.smsgateway/1.68.0", AppVersion(1, 68, 0)),
            ("me.capcom.smsgateway/1.2.3-beta", AppVersion(1, 2, 3)),
            ("me.capcom.smsgateway/1.2.3 more", AppVersion(1, 2, 3)), ("me.capcom.smsgateway/1.2", nil),
            ("me.capcom.smsgateway/", nil), ("okhttp/4.10.0", nil), ("me.capcom.smsgateway/-1.2.3", nil),
            ("me.capcom.smsgateway/1.2.9999999", nil),
        ] as [(String, AppVersion?)])
    func aVersionIsReadFromTheAppsOwnNameOnly(agent: String, version: AppVersion?) {
        #expect(AppVersion(userAgent: agent) == version)
    }
}
