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

extension PatientTests {
    /// A disk without room: the server refuses what it cannot keep, sends nothing that it cannot record, lives, and goes
    /// on by itself.
    @Suite struct FullDisk {
        private static let received = "message.phone.received"

        @Test(.enabled(if: SmallDisk.isPossible, "needs the right to mount"), .timeLimit(.minutes(15)))
        func belowTheFloorOnlyDeliveriesAreWritten() async throws {
            try await withServer(diskMebibytes: 96) { client, receiver, disk in
                receiver.react { _, earlier in .answer(earlier == 0 ? 503 : 200) }
                try await client.receive("before", number: 1)
                try await until("the first attempt") { receiver.count == 1 }

                try disk.fill(leaving: 40)
                try await expectRefusal(client, saying: "MiB are free in \(disk.path), and 64 MiB are needed")
                // Its result, too: a delivery whose result was not stored is made again.
                try await until("the retry is recorded") {
                    try await client.installation.rows("SELECT id FROM delivery WHERE state = 2").count == 1
                }

                // What was true of the server that ran is true of the next one.
                try await client.installation.stop(.sigkill)
                try await client.installation.serve(untilReady: false)
                try await expectRefusal(client, saying: "64 MiB are needed")
                #expect(try await client.send(.GET, "/v1/webhooks").status == 200)

                try disk.free()
                try await expectRecovery(client, receiver, answered: 2)
                try await expectEveryAttemptIsRecorded(client.installation, receiver)
            }
        }

        @Test(.enabled(if: SmallDisk.isPossible, "needs the right to mount"), .timeLimit(.minutes(15)))
        func withoutRoomNothingIsSentUntilThereIsSome() async throws {
            try await withServer(diskMebibytes: 96) { client, receiver, disk in
                try await sendBacklogInto(client, receiver, disk) { try disk.fill(leaving: 0) }

                try disk.free()
                try await expectRecovery(client, receiver, answered: 21)
                try await expectEveryAttemptIsRecorded(client.installation, receiver)
            }
        }

        /// The same where nothing may be mounted: the log of the database may not grow.
        @Test(.timeLimit(.minutes(15)))
        func aFileSizeLimitIsLikeAFullDisk() async throws {
            try await withServer(diskMebibytes: nil) { client, receiver, disk in
                let process = try #require(client.installation.server)
                try await sendBacklogInto(client, receiver, disk) {
                    try await Self.limitFileSize(of: process, to: "4096")
                }

                // The kernel sends SIGXFSZ to who writes too much, and files of attachments are written by other threads.
                let picture = Data(repeating: 1, count: 10_000).base64EncodedString()
                var sms = Client.sms("with a picture", from: "+18005550112", number: 2_000)
                sms["attachments"] = [["name": "a.png", "content_type": "image/png", "content": .text(picture)]]
                #expect(try await client.send(.POST, "/v1/messages/receive", sms).status == 503)
                #expect(process.end == nil)

                try await Self.limitFileSize(of: process, to: "unlimited")
                try await expectRecovery(client, receiver, answered: 21)
                try await expectEveryAttemptIsRecorded(client.installation, receiver)
            }
        }

        /// Brings 20 deliveries under way, some waiting for their retry and some in flight, and then takes the room.
        private func sendBacklogInto(
            _ client: Client, _ receiver: WebhookReceiver, _ disk: SmallDisk, takeRoom: () async throws -> Void
        ) async throws {
            receiver.react { arrival, earlier in
                let isSlow = arrival.event["data"]["content"].text?.hasSuffix("slow") == true
                return earlier > 0 ? .answer(200) : isSlow ? .answerAfter(.seconds(1), 500) : .answer(500)
            }
            for number in 0..<10 { try await client.receive("sms \(number)", number: number) }
            try await until("the first ten attempts are recorded") {
                try await client.installation.rows("SELECT number FROM attempt").count == 10
            }
            for number in 10..<20 { try await client.receive("sms \(number) slow", number: number) }
            try await until("one of ten more is in flight") {
                receiver.arrivals.contains { $0.answer == nil }
            }
            try await takeRoom()

            try await expectRefusal(client, saying: disk.path)
            let process = try #require(client.installation.server)
            try await until("its result is kept") { process.errors.contains("results cannot be stored") }
            // All were due long ago; whatever is sent now cannot be recorded.
            let sent = receiver.count
            let begin = ContinuousClock.now
            try await until("three looks of the dispatcher") { .now - begin > .seconds(3) }
            #expect(receiver.count == sent)
            #expect(process.end == nil)
        }

        /// Clients get 503 with Retry-After, and the health check says why.
        private func expectRefusal(_ client: Client, saying words: String) async throws {
            try await until("the server is not ready") {
                let ready = try await client.send(.GET, "/health/ready")
                let refused = try await client.send(.POST, "/v1/messages/receive", Self.refused)
                return ready.status == 503 && refused.status == 503
            }
            let answer = try await client.send(.POST, "/v1/messages/receive", Self.refused)
            #expect(answer.status == 503)
            #expect(answer.headers.first(name: "retry-after") == "5")
            #expect(answer.body["message"].text?.contains(words) == true, "\(answer.body)")
            let ready = try await client.send(.GET, "/health/ready")
            #expect(ready.status == 503)
            #expect(ready.data.elements.first?.text?.contains(words) == true, "\(ready.body)")
            #expect(try await client.send(.GET, "/health").status == 200)
        }

        private func expectRecovery(_ client: Client, _ receiver: WebhookReceiver, answered: Int) async throws {
            try await until("the server is ready again") {
                try await client.send(.GET, "/health/ready").status == 200
            }
            // The phone comes back with what was refused.
            try await client.call(.POST, "/v1/messages/receive", Self.refused)
            try await until("everything is delivered") { receiver.answers(200) == answered }
        }

        private func expectEveryAttemptIsRecorded(
            _ installation: Installation, _ receiver: WebhookReceiver
        ) async throws {
            try await installation.stop()
            #expect(try await installation.rows("SELECT number FROM attempt").count == receiver.count)
            #expect(try await installation.rows("SELECT id FROM delivery WHERE state <> 2").isEmpty)
        }

        private static let refused = Client.sms("refused at first", from: "+18005550111", number: 1_000)

        /// Changes the limit of a running process, the way an operator does.
        private static func limitFileSize(of server: ChildProcess, to bytes: String) async throws {
            let logs = FileManager.default.temporaryDirectory.appending(path: "httpsms-\(UUID().uuidString)").path
            defer { for end in [".out", ".err"] { unlink(logs + end) } }
            let process = try ChildProcess(
                "/usr/bin/prlimit", ["--pid", "\(server.id)", "--fsize=\(bytes):unlimited"], environment: [:],
                logs: logs)
            defer { process.killNow() }
            guard try await process.wait() == .exited(0) else { throw TestFailure("prlimit: \(process.errors)") }
        }

        private func withServer(
            diskMebibytes: Int?, _ body: (Client, WebhookReceiver, SmallDisk) async throws -> Void
        ) async throws {
            try await withReceiver { receiver in
                try await withTemporaryDirectory { folder in
                    let disk = SmallDisk(path: folder)
                    if let diskMebibytes { try disk.mount(mebibytes: diskMebibytes) }
                    defer { if diskMebibytes != nil { disk.unmount() } }
                    let settings = ["WEBHOOK_RETRY_DELAYS": "1s,1s,1s,1s"]
                    try await withInstallation(settings, databaseFolder: folder) { installation in
                        let client = Client(installation: installation)
                        try await client.setUp()
                        try await client.webhook(receiver.baseURL + "/hook", events: [Self.received])
                        // The command that made the account left a log of 2 MiB, which would be copied in the middle of the
                        // test and begun again: what is in a file already may be written on a full disk, too.
                        try await installation.stop()
                        try await installation.serve()
                        try await body(client, receiver, disk)
                    }
                }
            }
        }
    }
}

/// A file system in memory with little room.
struct SmallDisk {
    let path: String

    /// Whether this process may mount one.
    static let isPossible: Bool = {
        let path = FileManager.default.temporaryDirectory.appending(path: "httpsms-\(UUID().uuidString)").path
        guard mkdir(path, 0o700) == 0 else { return false }
        defer { rmdir(path) }
        let disk = SmallDisk(path: path)
        guard (try? disk.mount(mebibytes: 1)) != nil else { return false }  // The answer is no.
        disk.unmount()
        return true
    }()

    func mount(mebibytes: Int) throws {
        guard Glibc.mount("tmpfs", path, "tmpfs", 0, "size=\(mebibytes)m,mode=0700") == 0 else {
            throw TestFailure("cannot mount: \(String(cString: strerror(errno)))")
        }
    }

    func unmount() {
        _ = umount2(path, 2 /* MNT_DETACH */)
    }

    private var filler: String { path + "/filler" }

    /// Takes all room but `mebibytes`.
    func fill(leaving mebibytes: Int) throws {
        let descriptor = open(filler, O_WRONLY | O_CREAT, 0o600)
        guard descriptor >= 0 else { throw TestFailure("cannot fill the disk: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var information = statvfs()
        let page = [UInt8](repeating: 1, count: 4_096)
        repeat {
            guard write(descriptor, page, page.count) == page.count else { break }
            statvfs(path, &information)
        } while information.f_bavail * UInt(information.f_frsize) > UInt(mebibytes) << 20
    }

    func free() throws {
        try FileManager.default.removeItem(atPath: filler)
    }
}
