import Storage
import TestSupport
import Testing

@testable import Gateway

/// How much of what a device reports is applied at once.
@Suite(.timeLimit(.minutes(15))) struct DeviceReportBatchTests {
    /// Webhooks' filters look at all texts, while nobody else of the store can write.
    @Test(arguments: Engine.enabled) func reportsOfLongTextsAreAppliedInSeveralTransactions(
        engine: Engine
    ) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let device = try await DevicePhone.make(server, account)
            _ = try await account.client.put(
                "/v1/phones", ["phone_number": .string(DevicePhone.number), "messages_per_minute": 0])
            var reports: [JSON] = []
            for _ in 0..<5 {
                let id = try await account.send()["id"].string
                _ = try await server.message(id, of: account, is: "scheduled")
                reports.append(["id": .string(id), "state": "Sent"])
            }
            _ = try await device.pull()
            let text = String(repeating: "x", count: 40 << 10)
            _ = try await server.store.write { tx in try tx.run("UPDATE message SET content = \(text)") }

            #expect(try await device.send("PATCH", "/message", .array(reports)).status == 204)

            // All of a transaction have its time; of 64 KiB, the second text goes beyond.
            let counts: [Int] = try await server.store.read { tx in
                let rows = try tx.rows(
                    """
                    SELECT COUNT(*) AS value
                    FROM event
                    WHERE type = 'message.phone.sent'
                    GROUP BY created_at
                    ORDER BY created_at
                    """)
                return try rows.map { try $0.get("value") }
            }
            #expect(counts == [2, 2, 1])
        }
    }
}
