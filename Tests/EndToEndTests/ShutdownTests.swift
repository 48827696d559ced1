import Foundation
import NIOHTTP1
import Storage
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension EndToEndTests {
    /// SIGTERM: what is in flight is ended and recorded, the rest waits for the next start.
    @Suite struct Shutdown {
        private static let received = "message.phone.received"

        @Test(.timeLimit(.minutes(15)))
        func deliveriesInFlightAreEndedAndRecorded() async throws {
            try await withSlowReceiver { client, receiver in
                for number in 0..<10 { try await client.receive("sms \(number)", number: number) }
                try await until("ten requests are in flight") { receiver.count == 10 }

                try await client.installation.stop(.sigterm)

                #expect(receiver.answers(200) == 10)
                try await expectRecorded(attempts: 10, succeeded: 10, client.installation)
                try await startAndExpectNothingTwice(client, receiver, sent: 10)
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func aBacklogWaitsForTheNextStart() async throws {
            try await withSlowReceiver { client, receiver in
                for number in 0..<100 { try await client.receive("sms \(number)", number: number) }
                try await until("the endpoint's window is full") { receiver.count >= 32 }

                try await client.installation.stop(.sigterm)

                // Neither begun without being ended, nor recorded without having been sent.
                let begun = receiver.count
                #expect(receiver.answers(200) == begun)
                try await expectRecorded(attempts: begun, succeeded: begun, client.installation)
                receiver.react { _, _ in .answer(200) }
                try await startAndExpectNothingTwice(client, receiver, sent: 100)
            }
        }

        /// A phone on a bad line, in the middle of its request, must not use up the time that deliveries need to end.
        @Test(.timeLimit(.minutes(15)))
        func aClientThatStallsDoesNotKeepDeliveriesFromBeingRecorded() async throws {
            try await withSlowReceiver { client, receiver in
                let stalled = try StalledRequest(to: client.installation.baseURL)
                defer { stalled.close() }
                // More than are delivered before the server stops waiting for the client.
                for number in 0..<300 { try await client.receive("sms \(number)", number: number) }
                try await until("the endpoint's window is full") { receiver.count >= 32 }

                try await client.installation.stop(.sigterm)

                let begun = receiver.count
                #expect(receiver.answers(200) == begun)
                try await expectRecorded(attempts: begun, succeeded: begun, client.installation)
                receiver.react { _, _ in .answer(200) }
                try await startAndExpectNothingTwice(client, receiver, sent: 300)
            }
        }

        /// Who stops the server to copy the database expects all of it in the file of that name.
        @Test(.timeLimit(.minutes(15)))
        func theDatabaseFileAloneHoldsEverythingAfterAStop() async throws {
            try await withInstallation { installation in
                let client = Client(installation: installation)
                try await client.setUp()
                let id = try await client.receive("kept", number: 1)
                try await installation.stop(.sigterm)

                for log in ["-wal", "-shm"] {
                    try? FileManager.default.removeItem(atPath: installation.databasePath + log)  // May not be there.
                }

                try await installation.serve()
                #expect(try await client.call(.GET, "/v1/messages/\(id)")["content"] == "kept")
            }
        }

        /// As when its folder is cleared for a moment while something restarts it.
        @Test(.timeLimit(.minutes(15)))
        func aServerWhoseDatabaseIsGoneDoesNotStartOnANewOne() async throws {
            try await withInstallation { installation in
                let client = Client(installation: installation)
                try await client.setUp()
                let id = try await client.receive("kept", number: 1)
                try await installation.stop(.sigterm)
                let (path, away) = (installation.databasePath, installation.folder + "/away")
                try Self.moveDatabase(from: path, to: away)

                let refused = try await installation.run("serve")

                #expect(refused.end == .exited(1))
                #expect(refused.errors.contains("there is no \(path), but what belongs to one is there: \(path).key"))
                try Self.moveDatabase(from: away, to: path)
                try await installation.serve()
                #expect(try await client.call(.GET, "/v1/messages/\(id)")["content"] == "kept")
            }
        }

        private static func moveDatabase(from path: String, to target: String) throws {
            for suffix in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: path + suffix) {
                try FileManager.default.moveItem(atPath: path + suffix, toPath: target + suffix)
            }
        }

        /// A server with a webhook at a receiver that answers after 2 s.
        private func withSlowReceiver(_ body: (Client, WebhookReceiver) async throws -> Void) async throws {
            try await withReceiver { receiver in
                receiver.react { _, _ in .answerAfter(.seconds(2), 200) }
                try await withInstallation { installation in
                    let client = Client(installation: installation)
                    try await client.setUp()
                    try await client.webhook(receiver.baseURL + "/hook", events: [Self.received])
                    try await body(client, receiver)
                }
            }
        }

        private func expectRecorded(attempts: Int, succeeded: Int, _ installation: Installation) async throws {
            let rows = try await installation.rows(
                """
                SELECT
                    (SELECT COUNT(*) FROM attempt WHERE status_code = 200) AS attempts,
                    (SELECT COUNT(*) FROM delivery WHERE state = 2) AS succeeded,
                    (SELECT COUNT(*) FROM delivery WHERE state = 1) AS leased
                """)
            let row = try #require(rows.first)
            #expect(try row.get("attempts") == attempts)
            #expect(try row.get("succeeded") == succeeded)
            #expect(try row.get("leased") == 0)
        }

        /// Starts the server again and sends one more SMS, whose event comes last.
        private func startAndExpectNothingTwice(
            _ client: Client, _ receiver: WebhookReceiver, sent: Int
        ) async throws {
            try await client.installation.serve()
            let last = try await client.receive("one more", number: sent)
            try await until("all events have come") {
                receiver.count > sent && receiver.arrivals.contains { $0.messageID == last }
            }
            let counts = Dictionary(grouping: receiver.arrivals, by: \.id).mapValues(\.count)
            #expect(counts.count == sent + 1)
            #expect(counts.values.allSatisfy { $0 == 1 }, "an event was sent twice")
        }
    }
}

/// The beginning of a request whose end never comes.
private struct StalledRequest {
    private let descriptor: Int32

    init(to baseURL: String) throws {
        let port = try #require(UInt16(baseURL.split(separator: ":").last ?? ""))
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw TestFailure("cannot connect: \(String(cString: strerror(errno)))") }
        let head = """
            POST /v1/messages/receive HTTP/1.1\r
            Host: 127.0.0.1\r
            x-api-key: \(Client.apiKey)\r
            Content-Type: application/json\r
            Content-Length: 1000\r
            \r
            {"to":
            """
        guard head.withCString({ send(descriptor, $0, strlen($0), 0) }) > 0 else {
            throw TestFailure("cannot send: \(String(cString: strerror(errno)))")
        }
    }

    func close() {
        #if canImport(Glibc)
            _ = Glibc.close(descriptor)
        #else
            _ = Darwin.close(descriptor)
        #endif
    }
}
