import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

@testable import Gateway
@testable import Server

/// What request bodies may take of memory.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct BodyMemoryTests {
    @Test func whatIsTakenIsGivenBack() throws {
        let memory = BodyMemory(limit: 1 << 20)
        let (large, small) = (memory.share(), memory.share())
        try large.take(700_000)
        #expect(throws: ServerBusy.self) { try large.take(100_000) }
        #expect(memory.inUse == 700_000)
        // A quarter is for small bodies.
        for _ in 0..<64 { try small.take(1_024) }
        #expect(throws: ServerBusy.self) { try small.take(300_000) }
        let others = (0..<20).map { _ in memory.share() }
        #expect(throws: ServerBusy.self) { for share in others { try share.take(65_536) } }

        for share in others + [small, large, large] { share.release() }
        #expect(memory.inUse == 0)
    }

    /// Large bodies that stop before their last byte hold what they sent; those that only announce hold nothing.
    @Test func bodiesThatNeverEndLeaveRoomForSMS() async throws {
        try await withServer(["REQUEST_BODY_MEMORY": "32"]) { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            // No JSON holds a zero byte: the first one refuses the body, and nobody reads 14 MiB of it in debug.
            let chunk = ByteBuffer(repeating: 0, count: 1 << 20)
            let (hold, release) = AsyncStream.makeStream(of: Void.self)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<3 {
                    group.addTask { [key = phone.client.apiKey ?? ""] in
                        var request = HTTPClientRequest(url: server.baseURL + "/v1/messages/receive")
                        request.method = .POST
                        request.headers.add(name: "x-api-key", value: key)
                        request.headers.add(name: "Content-Type", value: "application/json")
                        let body = AsyncStream<ByteBuffer> { continuation in
                            Task {
                                for _ in 0..<14 { continuation.yield(chunk) }
                                for await _ in hold {}
                                continuation.finish()
                            }
                        }
                        request.body = .stream(body, length: .unknown)
                        return Int(try await APIClient.patient.execute(request, timeout: .minutes(5)).status.code)
                    }
                }
                // 24 MiB are for large bodies, so at least one of three with 14 MiB is refused.
                #expect(try await group.next() == 503)

                let sms = try await phone.receive(["from": "+18005550100", "content": "Hi"])
                #expect(sms.status == 200, "\(sms)")

                release.finish()
                for try await status in group { #expect([400, 408, 503].contains(status)) }
            }
            let again = try await phone.client.send(
                "POST", "/v1/messages/receive", headers: [("Content-Type", "application/json")],
                body: [UInt8](repeating: 0, count: 15 << 20))
            #expect(again.status == 400, "\(again)")
        }
    }

    @Test(arguments: ["0", "31", "x", "-1", "9223372036854775807", "64 MiB", "1048577"])
    func theSettingNeedsASensibleNumber(text: String) {
        #expect(throws: ConfigurationError.self) {
            try GatewayConfiguration(flags: [:], environment: ["REQUEST_BODY_MEMORY": text])
        }
    }
}
