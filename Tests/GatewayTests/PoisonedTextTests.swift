import Storage
import TestSupport
import Testing

@testable import Gateway

/// A text or a blob that no version wrote stops nothing but its own row.
///
/// A server with something in every feature runs; then, table by table, rubbish is put into every text and blob, everything
/// that can be read is read, and the table is put right again.
@Suite(.timeLimit(.minutes(15))) struct PoisonedTextTests {
    /// What is stored in place of a text.
    private static let texts = ["rubbish \u{fffd} <&\"'>", "", "-1", String(repeating: "9", count: 100_000)]
    /// What is stored in place of bytes.
    private static let blobs: [[UInt8]] = [[0xff, 0x00], [], [1], Array(repeating: 0x80, count: 100_000)]

    /// Read when a server starts, and what says that this one may work on the store.
    private static let ownTables: Set = ["schema_migration", "master_key_check", "node"]

    private struct Table: Sendable {
        let name: String
        var texts: [String] = []
        var blobs: [String] = []
        /// Whether only one of its rows is spoiled, so that its neighbours can be looked for.
        let hasNeighbours: Bool

        var sql: SQL { SQL(stringLiteral: "\"\(name)\"") }
        private var spare: SQL { SQL(stringLiteral: "\"spare_\(name)\"") }

        /// Puts rubbish of kind `round` into every text and blob where the schema takes it; gives whether any was put.
        func spoil(round: Int, in store: any Store) async throws -> Bool {
            _ = try await store.write(.maintenance) { tx in
                try tx.run("CREATE TABLE \(spare) AS SELECT * FROM \(sql)")
            }
            let row: SQL = hasNeighbours ? "WHERE id = (SELECT MIN(id) FROM \(spare))" : ""
            var isSpoiled = false
            for (index, column) in (texts + blobs).enumerated() {
                let kind = (index + round) % PoisonedTextTests.texts.count
                let value: SQLValue =
                    texts.contains(column)
                    ? .text(PoisonedTextTests.texts[kind]) : .blob(PoisonedTextTests.blobs[kind])
                let name = SQL(stringLiteral: "\"\(column)\"")
                do {
                    let count = try await store.write(.maintenance) { tx in
                        try tx.run("UPDATE \(sql) SET \(name) = \(value) \(row)")
                    }
                    isSpoiled = isSpoiled || count > 0
                } catch StorageError.uniqueViolation {
                    // The schema takes no second row with one key, so that cannot be stored either.
                } catch StorageError.statement {
                    // Nor what it has a check for, or an index no room.
                }
            }
            return isSpoiled
        }

        func restore(in store: any Store) async throws {
            try await store.write(.maintenance) { tx in
                try tx.run("DELETE FROM \(sql)")
                try tx.run("INSERT INTO \(sql) SELECT * FROM \(spare)")
                try tx.run("DROP TABLE \(spare)")
            }
        }
    }

    @Test(arguments: Engine.enabled) func rubbishInATextStopsNothingButItsRow(engine: Engine) async throws {
        try await WebhookReceiver.run { request, _ in
            .status(request.path == "/broken" ? 404 : 200)
        } body: { receiver in
            try await withServer(on: engine) { server in
                let (page, account, phone) = try await server.signedInWithPhone()
                var paths = try await FilledStore.fill(server, account, phone, page, receiver)
                paths += try await Self.fillMore(server, account)
                let before = try await Self.answers(paths, account, page)
                for answer in before { #expect(answer.status < 400, "\(answer.path)") }
                for table in try await Self.tables(of: server.store) {
                    // Both engines read rows by the same code: each sees another part of the rubbish.
                    for round in isSoak ? [0, 1, 2] : engine == .sqlite ? [0] : [2] {
                        if try await table.spoil(round: round, in: server.store) {
                            for (was, answer) in zip(before, try await Self.answers(paths, account, page)) {
                                let place = "\(table.name), \(round): \(answer.path): \(answer.text)"
                                #expect(answer.status < 500 || answer.isOfOneRow, "\(place)")
                                guard table.hasNeighbours, answer.status == 200, !answer.isOfOneRow else { continue }
                                #expect(answer.count >= was.count - 1, "\(place)")
                            }
                            #expect(try await server.client.get("/health").status == 200, "\(table.name)")
                        }
                        try await table.restore(in: server.store)
                    }
                }
                let metrics = try await server.client.get("/metrics").text
                #expect(!metrics.contains("httpsms_rows_unreadable_total 0\n"), "\(metrics)")
                for (was, answer) in zip(before, try await Self.answers(paths, account, page)) {
                    #expect(answer.status == was.status, "\(answer.path) afterwards")
                }
            }
        }
    }

    private struct Seen: Sendable {
        let path: String
        let status: Int
        /// The beginning of what was answered.
        let text: String
        /// How long the list is that was answered.
        let count: Int
        /// Whether it shows one thing, named by its id, or the account.
        var isOfOneRow: Bool { path.contains(/[0-9a-f]{8}-[0-9a-f]{4}|^\/v1\/users\/me$|^\/account$/) }
    }

    /// Reads everything, eight at a time.
    private static func answers(_ paths: [String], _ account: Account, _ page: PageClient) async throws -> [Seen] {
        try await withThrowingTaskGroup(of: (Int, Seen).self) { tasks in
            var seen: [Seen?] = Array(repeating: nil, count: paths.count)
            for (index, path) in paths.enumerated() {
                if index >= 8, let (place, one) = try await tasks.next() { seen[place] = one }
                tasks.addTask {
                    let isOfAPI = path.hasPrefix("/v1/")
                    let answer = isOfAPI ? try await account.client.get(path) : try await page.get(path)
                    let count = isOfAPI && answer.status == 200 ? answer.data.array.count : 0
                    return (
                        index,
                        Seen(path: path, status: answer.status, text: String(answer.text.prefix(200)), count: count)
                    )
                }
            }
            for try await (place, one) in tasks { seen[place] = one }
            return seen.compactMap(\.self)
        }
    }

    /// What else an account may have: a phone with the SMSGate app, and an app that forwards.
    private static func fillMore(_ server: TestServer, _ account: Account) async throws -> [String] {
        let second: JSON = [["sim": "SIM1", "phone_number": "+18005550188"]]
        let device = try await DevicePhone.make(server, account, numbers: second)
        _ = try await account.client.post(
            "/v1/messages/send", ["from": "+18005550188", "to": "+18005550100", "content": "By the device"])
        _ = try await device.pull()
        _ = try await account.client.post("/v1/devices/pairings", ["numbers": second])
        let forwarder = try await account.client.post(
            "/v1/forwarders",
            ["name": "App", "numbers": [["sim": "SIM1", "phone_number": "+18005550177"]]]
        ).data
        let hook = String(forwarder["url"].string.dropFirst(server.baseURL.count))
        for text in ["one", "two"] {
            _ = try await server.client.post(
                hook, ["from": "+18005550100", "text": .string(text), "id": .string(text)])
        }
        var texts: [String] = []
        for content: JSON in ["Hello {{name}}", "{{number}}, your parcel is here."] {
            let text = try await account.client.post("/v1/texts", ["name": content, "content": content])
            texts.append(text.data["id"].string)
        }
        for events: JSON in [["*"], ["phone.offline"]] {
            _ = try await account.client.post("/v1/alerts/webhooks", ["url": "http://127.0.0.1:1/", "events": events])
        }
        let id = forwarder["id"].string
        return [
            "/v1/alerts", "/v1/alerts/webhooks", "/v1/devices", "/v1/forwarders",
            "/v1/forwarders/\(id)", "/phones/forwarders", "/phones/forwarders/\(id)",
            "/v1/texts", "/messages/texts", "/messages/new", "/v1/callbacks",
            "/settings/callbacks", "/settings/playground",
        ] + texts.flatMap { ["/v1/texts/\($0)", "/messages/texts/\($0)"] }
    }

    /// Every table with a row, and its columns that hold texts or blobs.
    private static func tables(of store: any Store) async throws -> [Table] {
        try await store.read(.maintenance) { tx in
            let columns = try tx.rows(
                "SELECT table_name, column_name FROM \(.columns) AS columns ORDER BY table_name, position")
            var names: [String: [String]] = [:]
            for column in columns {
                names[try column.get("table_name"), default: []].append(try column.get("column_name"))
            }
            return try names.filter { !ownTables.contains($0.key) }.sorted { $0.key < $1.key }.compactMap {
                name, columns in
                let rows = try tx.rows("SELECT * FROM \(SQL(stringLiteral: "\"\(name)\"")) LIMIT 100")
                var table = Table(name: name, hasNeighbours: columns.contains("id") && rows.count > 1)
                for column in columns {
                    let cells = try rows.map { try $0.find(column, as: SQLValue.self) ?? .null }
                    // What rows are found by is left: one with another key is another row, and not unreadable.
                    if column.contains(/(^|_)id$|hash$|^owner$|^contact$|^phone_number$|^digest$|^email$/) { continue }
                    if cells.contains(where: { if case .text = $0 { true } else { false } }) {
                        table.texts.append(column)
                    } else if cells.contains(where: { if case .blob = $0 { true } else { false } }) {
                        table.blobs.append(column)
                    }
                }
                return table.texts.isEmpty && table.blobs.isEmpty ? nil : table
            }
        }
    }
}
