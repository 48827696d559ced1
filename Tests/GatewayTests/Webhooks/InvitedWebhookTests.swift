import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import Server

/// Webhooks of accounts that do not own the server.
@Suite(.timeLimit(.minutes(15))) struct InvitedWebhookTests {
    private static func draft(_ url: String) -> JSON {
        [
            "url": .string(url), "signing_key": "secret", "events": ["message.phone.received"],
            "phone_numbers": ["+18005550199"],
        ]
    }

    @Test func aRefusalNamesNoAddressThatANameHasInside() async throws {
        try await withServer { server in
            let owner = try await server.makeAccount()
            let invited = try await server.makeAccount()
            _ = try await owner.makePhone()
            _ = try await invited.makePhone()

            let refused = try await invited.client.post("/v1/webhooks", Self.draft("http://localhost:9100/"))
            let typed = try await invited.client.post("/v1/webhooks", Self.draft("http://127.0.0.1:9100/"))
            let allowed = try await owner.client.post("/v1/webhooks", Self.draft("http://127.0.0.1:9100/"))

            #expect([refused.status, typed.status, allowed.status] == [422, 422, 201])
            #expect(!refused.text.contains("127.0.0.1") && !refused.text.contains("::1"), "\(refused.text)")
            #expect(!refused.text.contains("loopback"), "\(refused.text)")
            #expect(!refused.text.contains("WEBHOOK_ALLOWED_NETWORKS"))
            #expect(typed.text.contains("127.0.0.1"))
        }
    }

    @Test(arguments: Engine.enabled) func webhooksFromBeforeGetTheRule(engine: Engine) async throws {
        let split = try #require(GatewayStore.migrations.firstIndex { $0.id == "webhooks-1" })
        try await withStore(engine, migrations: Array(GatewayStore.migrations[..<split])) { store in
            try await store.write { tx in
                for (number, user) in ["owner", "invited"].enumerated() {
                    try tx.run(
                        """
                        INSERT INTO users (
                            id, email, api_key_hash, api_key, timezone, notification_message_status_enabled,
                            notification_webhook_enabled, notification_heartbeat_enabled,
                            notification_newsletter_enabled, created_at, updated_at)
                        VALUES (\(user), \(user), \([UInt8(number)]), \([UInt8(0)]), 'UTC', 1, 1, 1, 1, \(number), 0)
                        """)
                    try tx.run(
                        """
                        INSERT INTO endpoint (
                            id, user_id, url, ordering, event_types, owners, status, version, created_at, updated_at)
                        VALUES (\(user), \(user), 'http://10.0.0.1/', 0, '', '', 0, 1, 0, 0)
                        """)
                }
            }

            _ = try await store.migrate(GatewayStore.migrations)

            let rows = try await store.read { tx in
                try tx.rows("SELECT id, public_only, version FROM endpoint ORDER BY id").map { row in
                    "\(try row.get("id", as: String.self)) \(try row.get("public_only", as: Int.self)) "
                        + "\(try row.get("version", as: Int.self))"
                }
            }
            #expect(rows == ["invited 1 2", "owner 0 1"])
        }
    }
}
