import Storage
import TestSupport
import Testing

@testable import Gateway
@testable import Server

/// The history in the database of an httpSMS server, as its entities make it (httpSMS, api/pkg/entities of July 2026).
@Suite(.timeLimit(.minutes(15)), .enabled(if: Engine.enabled.contains(.postgresql))) struct ImportFromDatabaseTests {
    private static let contact = "+18005550100"
    private static let email = "Old@example.com"

    private static let tables: [SQL] = [
        "CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT, api_key TEXT)",
        """
        CREATE TABLE messages (
            id UUID PRIMARY KEY, request_id TEXT, owner TEXT, user_id TEXT, contact TEXT, content TEXT,
            attachments TEXT[], encrypted BOOLEAN DEFAULT FALSE, type TEXT, status TEXT, sim TEXT, send_duration BIGINT,
            request_received_at TIMESTAMPTZ, created_at TIMESTAMPTZ, updated_at TIMESTAMPTZ,
            order_timestamp TIMESTAMPTZ, last_attempted_at TIMESTAMPTZ, notification_scheduled_at TIMESTAMPTZ,
            sent_at TIMESTAMPTZ, scheduled_send_time TIMESTAMPTZ, delivered_at TIMESTAMPTZ, expired_at TIMESTAMPTZ,
            failed_at TIMESTAMPTZ, can_be_polled BOOLEAN, send_attempt_count BIGINT, max_send_attempts BIGINT,
            received_at TIMESTAMPTZ, failure_reason TEXT)
        """,
        """
        CREATE TABLE message_threads (
            id UUID PRIMARY KEY, owner TEXT, contact TEXT, is_archived BOOLEAN, is_read BOOLEAN NOT NULL DEFAULT TRUE,
            last_read_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP, user_id TEXT, color TEXT, status TEXT,
            last_message_content TEXT, last_message_id UUID, created_at TIMESTAMPTZ, updated_at TIMESTAMPTZ,
            order_timestamp TIMESTAMPTZ)
        """,
        "INSERT INTO users (id, email) VALUES ('mine', 'old@example.com'), ('other', 'other@example.com')",
        """
        INSERT INTO message_threads (id, owner, contact, is_archived, is_read, user_id, color, created_at, updated_at)
        VALUES (
            '32343a19-da5e-4b1b-a767-3298a73703ca', '+18005550199', '+18005550100', TRUE, FALSE, 'mine', 'teal',
            '2026-07-01T10:00:00Z', '2026-07-01T10:00:00Z')
        """,
        """
        INSERT INTO messages (
            id, request_id, owner, user_id, contact, content, attachments, encrypted, type, status, sim, send_duration,
            request_received_at, created_at, updated_at, order_timestamp, notification_scheduled_at, sent_at,
            delivered_at, send_attempt_count, max_send_attempts)
        VALUES (
            '32343a19-da5e-4b1b-a767-3298a73703cb', 'mine', '+18005550199', 'mine', '+18005550100', 'Grüße',
            ARRAY['https://example.com/a,b.jpg', 'https://example.com/c.jpg'], TRUE, 'mobile-terminated', 'delivered',
            'SIM2', 1500000000, '2026-07-01T10:00:00.123456Z', '2026-07-01T10:00:01Z', '2026-07-01T10:00:05Z',
            '2026-07-01T10:00:04Z', '2026-07-01T10:00:02Z', '2026-07-01T10:00:03+02:00', '2026-07-01T10:00:04Z', 1, 2)
        """,
        // Half of the columns are NULL; in a conversation of nobody's; one time is beyond all calendars.
        """
        INSERT INTO messages (id, owner, user_id, contact, content, type, status, created_at, order_timestamp)
        VALUES (
            '42343a19-da5e-4b1b-a767-3298a73703cb', '+18005550199', 'mine', '', 'Withheld', 'mobile-originated',
            'received', '2026-07-02T10:00:00Z', 'infinity')
        """,
        """
        INSERT INTO messages (id, owner, user_id, contact, content, type, status, created_at, order_timestamp)
        VALUES (
            '52343a19-da5e-4b1b-a767-3298a73703cb', '+18005550199', 'other', '+18005550100', 'Not mine',
            'mobile-originated', 'received', '2026-07-02T10:00:00Z', '2026-07-02T10:00:00Z')
        """,
        // More than two pages.
        """
        INSERT INTO messages (id, owner, user_id, contact, content, type, status, created_at, order_timestamp)
        SELECT CAST('00000000-0000-4000-8000-' || LPAD(CAST(n AS TEXT), 12, '0') AS UUID), '+18005550199', 'mine',
            '+18005550101', 'Text ' || n, 'mobile-originated', 'received', '2026-07-03T10:00:00Z',
            TIMESTAMPTZ '2026-07-03T10:00:00Z' + n * INTERVAL '1 second'
        FROM GENERATE_SERIES(1, 1200) AS n
        """,
    ]

    private static func withDatabase(_ body: @escaping @Sendable (OldDatabase) async throws -> Void) async throws {
        try await withPostgresURL { url in
            let store = try await PostgresStore.open(url: url, connections: 2)
            try await closing(store) {
                try await store.write { tx in for statement in tables { try tx.run(statement) } }
                try await body(OldDatabase(store: store, email: email))
            }
        }
    }

    @Test(arguments: Engine.enabled) func itsRowsBecomeMessagesOnce(engine: Engine) async throws {
        try await Self.withDatabase { database in
            try await withServer(on: engine) { server in
                let account = try await server.makeAccount()
                let before = try await importHistory(from: database, into: account, of: server, for: .check)
                #expect(before.count(.new) == 1_202)

                let first = try await importHistory(from: database, into: account, of: server)
                let second = try await importHistory(from: database, into: account, of: server)

                #expect(first.count(.new) == 1_202)
                #expect(first.isComplete(.bring))
                #expect(second.count(.known) == 1_202)
                let message = try await account.history(with: Self.contact)
                let expected: JSON = [
                    "id": "32343a19-da5e-4b1b-a767-3298a73703cb", "request_id": "mine", "owner": "+18005550199",
                    "contact": "+18005550100", "content": "Grüße",
                    "attachments": ["https://example.com/a,b.jpg", "https://example.com/c.jpg"], "encrypted": true,
                    "type": "mobile-terminated", "status": "delivered", "sim": "SIM2", "send_time": 1_500_000_000,
                    "request_received_at": "2026-07-01T10:00:00.123456Z", "created_at": "2026-07-01T10:00:01Z",
                    "updated_at": "2026-07-01T10:00:05Z", "order_timestamp": "2026-07-01T10:00:04Z",
                    "last_attempted_at": nil, "scheduled_at": "2026-07-01T10:00:02Z",
                    "sent_at": "2026-07-01T08:00:03Z", "scheduled_send_time": nil,
                    "delivered_at": "2026-07-01T10:00:04Z", "expired_at": nil, "failed_at": nil,
                    "send_attempt_count": 1, "max_send_attempts": 2, "received_at": nil, "failure_reason": nil,
                ]
                #expect(message == [expected])
                let archived = try await account.conversations(isArchived: true)
                #expect(archived.map { $0["id"] } == ["32343a19-da5e-4b1b-a767-3298a73703ca"])
                #expect(archived.map { $0["color"] } == ["teal"])
                #expect(archived.map { $0["is_read"] } == [false])
                let open = try await account.conversations()
                let shown = open.map { [$0["contact"], $0["last_message_content"], $0["is_read"]] }
                #expect(shown == [["+18005550101", "Text 1200", true], ["unknown", "Withheld", true]])
                let withheld = try await account.history(with: "unknown")
                #expect(withheld.map { $0["order_timestamp"] } == ["2026-07-02T10:00:00Z"])
                let events = try await server.emittedTypes()
                #expect(events == [])
            }
        }
    }

    @Test func anAccountThatIsNotThereIsToldOf() async throws {
        try await Self.withDatabase { database in
            try await withServer { server in
                let account = try await server.makeAccount()
                let nobody = OldDatabase(store: database.store, email: "nobody@example.com")
                let error = await #expect(throws: ImportError.self) {
                    _ = try await importHistory(from: nobody, into: account, of: server)
                }
                let text = try #require(error).description
                #expect(text.contains("--from-email"))
            }
        }
    }
}
