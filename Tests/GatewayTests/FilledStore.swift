import Foundation
import Storage
import Synchronization
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// A SQLite store that has something in every feature, closed, and what reads all of it.
struct FilledStore: Sendable {
    private let directory: String
    let clock: AdjustableClock
    let apiKey: String
    /// Every path of the API and of the pages that reads something of the account, with its ids.
    let paths: [String]
    private let cookies: [String: String]

    /// Integer columns that hold a case of an enumeration.
    static let codes: Set = ["status", "state", "ordering", "lane", "payload_format"]

    /// Lets a server on SQLite in `directory`, which is made, do a bit of everything, and ends it.
    static func make(in directory: String) async throws -> FilledStore {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let clock = AdjustableClock()
        let made = Mutex<FilledStore?>(nil)
        try await WebhookReceiver.run { request, _ in
            .status(request.path == "/broken" ? 404 : 200)
        } body: { receiver in
            try await withServer(sqlite(directory), in: directory, clock: clock) { server in
                let (page, account, phone) = try await server.signedInWithPhone()
                let paths = try await fill(server, account, phone, page, receiver)
                let store = FilledStore(
                    directory: directory, clock: clock, apiKey: account.apiKey, paths: paths, cookies: page.cookies)
                made.withLock { $0 = store }
            }
        }
        let store = made.withLock { $0 }
        return try #require(store)
    }

    /// The settings of a server on the store in `directory`, whatever the tests' usual engine is.
    static func sqlite(_ directory: String) -> [String: String] {
        ["DATABASE_URL": "sqlite:\(directory)/httpsms.sqlite"]
    }

    /// The browser that signed in when the store was filled.
    func pageClient(_ server: TestServer) -> PageClient { PageClient(baseURL: server.baseURL, cookies: cookies) }

    /// The integer columns of each table, in the order of the table.
    func integerColumns() throws -> [String: [String]] {
        let lines = try Self.sqlite3(
            directory,
            """
            SELECT t.name || ' ' || c.name FROM sqlite_master t, pragma_table_info(t.name) c
            WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND c.type = 'INTEGER' ORDER BY t.name, c.cid
            """)
        return lines.reduce(into: [:]) { columns, line in
            let parts = line.split(separator: " ").map(String.init)
            columns[parts[0], default: []].append(parts[1])
        }
    }

    /// Copies the store to another folder.
    func copy(to target: String) throws {
        try FileManager.default.copyItem(atPath: directory, toPath: target)
    }

    /// Writes `value` into every integer column of `table`, where the schema allows it; gives how many cells hold it then.
    static func poison(_ table: String, _ columns: [String], with value: Int64, in directory: String) throws -> Int {
        let updates = columns.map { "UPDATE OR IGNORE \(table) SET \($0) = \(value);" }
        let counts = columns.map { "SELECT COUNT(*) FROM \(table) WHERE \($0) = \(value);" }
        return try sqlite3(directory, (updates + counts).joined()).compactMap { Int($0) }.reduce(0, +)
    }

    /// Runs SQL with Python's module, apart from the server's own code; gives the first columns of what it selects.
    private static func sqlite3(_ directory: String, _ sql: String) throws -> [String] {
        let script = """
            import sqlite3, sys
            database = sqlite3.connect(sys.argv[1], isolation_level=None)
            for statement in sys.argv[2].split(";"):
                try:
                    for row in database.execute(statement): print(row[0])
                except sqlite3.IntegrityError: pass
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = ["-c", script, directory + "/httpsms.sqlite", sql]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return text.split(separator: "\n").map(String.init)
    }

    static func fill(
        _ server: TestServer, _ account: Account, _ phone: Account.Phone, _ page: PageClient,
        _ receiver: WebhookReceiver
    ) async throws -> [String] {
        let client = account.client
        let webhook = try await account.makeWebhook(receiver.url("/hook"))
        let broken = try await account.makeWebhook(receiver.url("/broken"))
        let schedule = try await client.post(
            "/v1/send-schedules",
            [
                "name": "Office", "timezone": "Europe/Berlin",
                "windows": [["day_of_week": 1, "start_minute": 540, "end_minute": 1_020]],
            ]
        ).data["id"].string
        let accessKey: JSON = ["name": "Reports", "scopes": ["messages:read"], "expires_at": "2090-01-01T00:00:00Z"]
        _ = try await client.post("/v1/access-keys", accessKey)
        let sent = try await account.send()["id"].string
        let failed = try await account.send(["content": "Fails"])["id"].string
        let later = try await account.send(["send_at": .string((server.clock.now() + .seconds(86_400)).rfc3339)])
        _ = try await phone.report("SENT", sent)
        _ = try await phone.report("FAILED", failed, ["reason": "no network"])
        let received = try await phone.receive(["from": "+18005550100", "content": "Hello"]).data["id"].string
        _ = try await phone.client.post(
            "/v1/messages/calls/missed", ["from": "+18005550100", "to": .string(phone.number)])
        _ = try await phone.beat()
        _ = try await client.post(
            "/v1/messages/bulk-send",
            ["from": .string(phone.number), "to": ["+18005550101", "+18005550102"], "content": "Hi all"])
        _ = try await page.submit("/users/invite", on: "/users", [("email", "guest@example.com")])
        for member in ["kim@example.com", "lee@example.com"] {
            let link = try await page.submit(
                "/account/team/invite", on: "/account/team",
                [("email", member), ("role", "sender"), ("current", TestServer.password)]
            ).text.firstMatch(of: /invitation\?token=([0-9a-f]{64})/)
            // One joins, the other does not come.
            if let link, member.hasPrefix("kim") {
                _ = try await PageClient(baseURL: server.baseURL).submit(
                    "/invitation", on: "/sign-in", [("token", String(link.1)), ("password", "battery staple")])
            }
        }
        let delivery = try await account.newest(broken, is: "failed")["id"].string
        let replay = try await client.post(
            "/v1/webhooks/\(webhook["id"].string)/replay",
            [
                "since": "2020-01-01T00:00:00Z", "event_type": "message.phone.received", "status_code": 404,
                "contact": "+18005550100",
            ]
        ).data["id"].string
        _ = try await eventually("the end of the replay") {
            [try await client.get("/v1/replays/\(replay)").data].first { $0["status"] == "completed" }
        }
        try await server.untilNumbered()
        let event = try #require(try await client.get("/v1/events").data.array.first)["id"].string
        let thread = try #require(try await client.get("/v1/message-threads?owner=%2B18005550199").data.array.first)
        let numbers = "owner=%2B18005550199&contact=%2B18005550100"
        let hooks = [webhook["id"].string, broken["id"].string]
        let messages = [sent, failed, received, later["id"].string]
        var paths = [
            "/v1/users/me", "/v1/phones", "/v1/phone-api-keys", "/v1/access-keys", "/v1/webhooks", "/v1/send-schedules",
            "/v1/bulk-messages",
            "/v1/messages?\(numbers)", "/v1/messages/search", "/v1/message-threads?owner=%2B18005550199",
            "/v1/heartbeats?owner=%2B18005550199&limit=20", "/v1/events", "/v1/events/\(event)",
            "/v1/deliveries/\(delivery)", "/v1/replays/\(replay)", "/v1/event-types", "/v1/attention", "/attention",
            "/", "/account", "/account/keys", "/account/team", "/account/two-step", "/account/log", "/v1/audit-log",
            "/users",
            "/system", "/events", "/settings/webhooks", "/messages", "/messages/\(thread["id"].string)",
            "/messages/new",
            "/messages/planned", "/messages/planned/\(later["id"].string)", "/messages?status=failed",
            "/messages/bulk", "/deliveries/\(delivery)", "/replays/\(replay)", "/phones", "/phones/\(phone.id)",
            "/phones/\(phone.id)?span=week", "/phones/keys", "/phones/new", "/phones/schedules",
            "/phones/schedules/\(schedule)", "/metrics",
        ]
        for id in messages { paths += ["/v1/messages/\(id)", "/messages/message/\(id)"] }
        for id in hooks {
            paths += ["/v1/webhooks/\(id)", "/v1/webhooks/\(id)/deliveries", "/settings/webhooks/\(id)"]
            paths += ["edit", "verify", "replay"].map { "/settings/webhooks/\(id)/\($0)" }
        }
        return paths
    }
}
