import Foundation
import NIOHTTP1
import Storage
import Synchronization
import TestSupport
import Testing

extension EndToEndTests {
    /// From one machine's SQLite to PostgreSQL, with the real binary.
    @Suite struct Move {
        private static let received = "message.phone.received"

        @Test(.timeLimit(.minutes(15))) func aStoreMovesThoughItsCopyIsKilled() async throws {
            try await withReceiver { receiver in
                let isMoved = Flag()
                receiver.react { arrival, _ in
                    switch arrival.path {
                    case "/refuse": .answer(404)
                    case "/later": .answer(isMoved.isSet ? 200 : 503)
                    case "/hang" where !isMoved.isSet: .never
                    default: .answer(200)
                    }
                }
                try await withPostgresURL { url in
                    try await withInstallation(["WEBHOOK_RETRY_DELAYS": "10s", "NODE_LEASE": "10s"]) { installation in
                        let client = Client(installation: installation)
                        try await client.setUp()
                        for path in ["/take", "/refuse", "/later", "/hang"] {
                            try await client.webhook(receiver.baseURL + path, events: [Self.received])
                        }
                        let attachment: JSONValue = [
                            "name": "a.png", "content_type": "image/png", "content": "AAECAw==",
                        ]
                        let mms: JSONValue = [
                            "to": .text(Client.owner), "from": "+18005550100", "content": "MMS", "sim": "SIM1",
                            "timestamp": "2026-07-22T10:15:29Z", "attachments": .array([attachment]),
                        ]
                        let message = try await client.call(.POST, "/v1/messages/receive", mms)
                        try await until("every webhook was called") { receiver.count == 4 }
                        try await until("the results are stored") {
                            let counts = try await installation.counts()
                            return counts.count >= 3 && counts.reduce(0, +) == 4
                        }

                        let busy = try await installation.run("migrate", "--from", installation.source, "--to", url)
                        #expect(busy.end != .exited(0) && busy.errors.contains("Stop it first"), "\(busy.errors)")
                        try await installation.stop(.sigkill)
                        try await installation.fill()

                        let copy = try installation.start(["migrate", "--from", installation.source, "--to", url])
                        try await until("it copies") { copy.output.contains("endpoint ") || copy.end != nil }
                        copy.killNow()
                        #expect(copy.end == .signalled(9))
                        let key = try String(contentsOfFile: installation.databasePath + ".key", encoding: .utf8)
                        let settings = [
                            "NODE_LEASE": "10s", "DATABASE_URL": url,
                            "MASTER_KEY": key.trimmingCharacters(in: .whitespacesAndNewlines),
                        ]
                        let early = try await installation.run("user", "create", "--email", "a@b.c", settings: settings)
                        #expect(early.errors.contains("unfinished copy"), "\(early.errors)")

                        let rest = try await installation.run("migrate", "--from", installation.source, "--to", url)
                        #expect(rest.end == .exited(0), "\(rest.errors)")
                        #expect(rest.output.contains("every delivery is accounted for"))
                        let again = try await installation.run("migrate", "--from", installation.source, "--to", url)
                        #expect(again.errors.contains("not empty"), "\(again.errors)")

                        isMoved.set()
                        try await withInstallation(settings) { node in
                            try await node.serve()
                            let moved = Client(installation: node)
                            try await until("what was pending and what was being sent arrives") {
                                receiver.count == 6
                            }
                            #expect(Set(receiver.arrivals.suffix(2).map(\.path)) == ["/later", "/hang"])
                            let parts = message["attachments"].elements[0].text?.split(separator: "/", maxSplits: 2)
                            let file = "/" + (parts?.last ?? "")
                            #expect(try await moved.send(.GET, file).status == 200)

                            try await moved.receive("after", number: 7)
                            try await until("what comes now goes out") { receiver.count == 10 }
                            // A database that takes 2 s to answer, as on a busy machine, is a problem to it.
                            _ = try await eventually("the audit finds nothing") {
                                try await node.run("doctor", "--audit").end == .exited(0) ? true : nil
                            }
                            #expect(receiver.count == 10)
                            try await node.stop()
                        }
                    }
                }
            }
        }
    }
}

/// Says whether something happened, to a closure that runs elsewhere.
private final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .sequentiallyConsistent) }

    func set() { value.store(true, ordering: .sequentiallyConsistent) }
}

extension Installation {
    fileprivate var source: String { "sqlite:" + databasePath }

    /// How many deliveries are in each state, in the order of the states.
    fileprivate func counts() async throws -> [Int] {
        try await rows("SELECT COUNT(*) AS value FROM delivery GROUP BY state ORDER BY state").map {
            try $0.get("value")
        }
    }

    /// Makes the store large enough for a copy to be caught in the middle.
    fileprivate func fill() async throws {
        let store = try await SQLiteStore.open(path: databasePath)
        try await closing(store) {
            _ = try await store.write { tx in
                try tx.run(
                    """
                    WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers LIMIT 20000)
                    INSERT INTO inbound_digest (digest, message_id)
                    SELECT CAST('digest ' || number AS BLOB), 'message'
                    FROM numbers
                    """)
            }
        }
    }
}
