import Gateway
import NIOCore
import TestSupport
import Testing

@testable import Server

/// What clients may do with connections, over sockets that say exactly what a test wants.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct ConnectionTests {
    private static let get = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n"

    private static func limits(
        connections: Int = 1_000, _ change: (inout ConnectionLimits) -> Void = { _ in }
    ) -> ConnectionLimits {
        var limits = ConnectionLimits(connections: connections)
        change(&limits)
        return limits
    }

    @Test(arguments: [(0, 1), (1, 1), (60, 20), (256, 64), (1_024, 512), (65_536, 16_384), (Int.max, 16_384)])
    func whatTheLimitOfOpenFilesLeavesIsForClients(files: Int, connections: Int) {
        #expect(ConnectionLimits.connections(forOpenFiles: files) == connections)
    }

    @Test(arguments: [(20, 2, true), (63, 2, true), (64, 2, false), (64, 8, false), (64, 9, true), (96, 16, false)])
    func aServerNeedsFilesForItsEventLoopsAndForWork(files: Int, cores: Int, isShort: Bool) {
        let shortage = ConnectionLimits.shortage(ofOpenFiles: files, cores: cores)

        #expect((shortage != nil) == isShort)
        #expect(shortage?.contains("the limit of open files is \(files)") ?? true)
    }

    /// RFC 9110, section 9.3.2: whoever sends HEAD reads the next answer where a body would begin.
    @Test(arguments: [
        "/health", "/nothing", "/v1", "/v1/phones", "/v1/messages/send", "/metrics", "/docs/errors", "/docs/nothing",
        "/messages", "/sign-in", "/openapi.json",
    ])
    func anAnswerToHEADHasNoBodyWhateverItSays(path: String) async throws {
        try await withServer { server in
            let client = try await RawClient(server.baseURL)

            client.write("HEAD \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
            client.write("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            try await client.untilClosed()

            let parts = client.text.split(separator: "\r\n\r\n", omittingEmptySubsequences: false)
            #expect(parts.count == 3 && parts.last == "OK", "\(client.text)")
            #expect(parts.dropFirst().first?.hasPrefix("HTTP/1.1 200 OK") == true, "\(client.text)")
        }
    }

    @Test func aSilentConnectionIsClosed() async throws {
        try await withServer(configure: { $0.connections = Self.limits { $0.head = .milliseconds(200) } }) { server in
            let client = try await RawClient(server.baseURL)

            try await client.untilClosed()

            #expect(client.text.isEmpty)
        }
    }

    @Test func aDrippingHeadIsAnsweredAndClosed() async throws {
        try await withServer(configure: { $0.connections = Self.limits { $0.head = .milliseconds(400) } }) { server in
            let client = try await RawClient(server.baseURL)
            let dripping = Task {
                client.write("GET /health HTTP/1.1\r\nHost: a\r\n")
                while !Task.isCancelled, client.isOpen {
                    client.write("A: b\r\n")
                    await Task.yield()
                    try await Task.sleep(for: .milliseconds(20))
                }
            }

            try await client.untilClosed()
            dripping.cancel()

            #expect(client.text.hasPrefix("HTTP/1.1 408 "))
        }
    }

    @Test func aDrippingHeadAfterAnAnswerIsClosed() async throws {
        try await withServer(configure: { $0.connections = Self.limits { $0.head = .seconds(1) } }) { server in
            let client = try await RawClient(server.baseURL)
            client.write(Self.get)
            try await client.until("HTTP/1.1 200 OK")

            client.write("GET /hea")
            try await client.untilClosed()

            #expect(client.text.contains("HTTP/1.1 408 "))
        }
    }

    @Test func aBodyThatTricklesIsAnsweredAndClosed() async throws {
        try await withServer(configure: { $0.connections = Self.limits { $0.body = .milliseconds(300) } }) { server in
            let key = try await server.makeAccount().apiKey
            let client = try await RawClient(server.baseURL)

            client.write("POST /v1/messages/send HTTP/1.1\r\nHost: localhost\r\nx-api-key: \(key)\r\n")
            client.write("Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{")
            try await client.untilClosed()

            #expect(client.text.hasPrefix("HTTP/1.1 408 "))
            #expect(!server.log.lines.contains { $0.message == "request failed" })
        }
    }

    /// The app forgets an SMS that is answered with a 4xx, and sends it again after a 5xx.
    @Test(arguments: ["/v1/messages/receive", "/v1/messages/calls/missed/", "/V1/Messages/\(unknownID)/Events?x=1"])
    func aReportThatTricklesIsAskedForAgain(path: String) async throws {
        try await withServer(configure: { $0.connections = Self.limits { $0.body = .milliseconds(300) } }) { server in
            let key = try await server.makeAccount().makePhone().client.apiKey ?? ""
            let client = try await RawClient(server.baseURL)

            client.write("POST \(path) HTTP/1.1\r\nHost: localhost\r\nx-api-key: \(key)\r\n")
            client.write("Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{")
            try await client.untilClosed()

            #expect(client.text.hasPrefix("HTTP/1.1 503 "))
            #expect(client.text.contains("Retry-After: 5"))
        }
    }

    @Test func whoDoesNotReadAnswersIsDropped() async throws {
        let limits = Self.limits {
            $0.stall = .milliseconds(200)
            $0.answerBytesPerSecond = 1 << 10
        }
        try await withServer(configure: { $0.connections = limits }) { server in
            let client = try await RawClient(server.baseURL, reads: false)

            for _ in 0..<40 { client.write(String(repeating: "GET /docs HTTP/1.1\r\nHost: a\r\n\r\n", count: 500)) }

            try await client.untilClosed()
        }
    }

    @Test func anIdleConnectionMakesRoomForANewOne() async throws {
        try await withServer(configure: { $0.connections = Self.limits(connections: 2) }) { server in
            let (first, second) = (try await RawClient(server.baseURL), try await RawClient(server.baseURL))
            first.write(Self.get)
            try await first.until("HTTP/1.1 200 OK")
            second.write(Self.get)
            try await second.until("HTTP/1.1 200 OK")

            let third = try await RawClient(server.baseURL)
            third.write(Self.get)

            try await third.until("HTTP/1.1 200 OK")
            try await first.untilClosed()
            #expect(second.isOpen)
        }
    }

    @Test func oneAddressDoesNotTakeEveryPlace() async throws {
        let limits = Self.limits(connections: 100) {
            $0.connectionsPerAddress = 2
            $0.unlimited = []
        }
        try await withServer(configure: { $0.connections = limits }) { server in
            let held = [try await RawClient(server.baseURL), try await RawClient(server.baseURL)]
            // Connected is not yet admitted, which each event loop does in its own time: an answer shows it.
            for client in held {
                client.write(Self.get)
                try await client.until("HTTP/1.1 200 OK")
            }

            let third = try await RawClient(server.baseURL)
            third.write(Self.get)

            try await third.until("HTTP/1.1 503 Service Unavailable")
            try await third.untilClosed()
            #expect(held.allSatisfy { $0.isOpen })
        }
    }

    @Test(arguments: [
        "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET /health HTTP/1.1\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
        "POST /sign-in HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /sign-in HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "POST /sign-in HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        "POST /sign-in HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "GET /\u{0} HTTP/1.1\r\nHost: a\r\n\r\n",
        "nonsense\r\n\r\n",
    ])
    func whatIsNotHTTPIsRefusedAndNoErrorOfOurs(request: String) async throws {
        try await withServer { server in
            let client = try await RawClient(server.baseURL)

            client.write(request)
            try await client.untilClosed()

            #expect(client.text.hasPrefix("HTTP/1.1 4"), "\(client.text)")
            #expect(!server.log.lines.contains { $0.message == "request failed" })
        }
    }

    @Test func aRequestOfHTTP10NeedsNoHost() async throws {
        try await withServer { server in
            let client = try await RawClient(server.baseURL)

            client.write("GET /health HTTP/1.0\r\n\r\n")

            try await client.until(" 200 OK")
        }
    }

    @Test func whoLeavesInTheMiddleOfABodyIsNoErrorOfOurs() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            for _ in 0..<3 {
                let client = try await RawClient(server.baseURL)
                client.write("POST /v1/messages/send HTTP/1.1\r\nHost: a\r\nx-api-key: \(account.apiKey)\r\n")
                client.write("Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{")
                client.close()
                try await client.untilClosed()
            }
            let last = try await RawClient(server.baseURL)
            last.write(Self.get)
            try await last.until("HTTP/1.1 200 OK")

            #expect(!server.log.lines.contains { $0.message == "request failed" })
        }
    }
}
