import AsyncHTTPClient
import Delivery
import NIOCore
import NIOHTTP1
import NIOSSL
import Secrets
import TestSupport
import Testing
import Timestamps
import Wire

@testable import Client
@testable import Gateway

/// Firebase and the servers of commands are known by the names in their certificates.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct OutgoingHTTPTests {
    private static let answer =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"data\":[]}"

    /// What talks to servers that an operator names: commands, and the sender of pushes.
    private struct Clients {
        let http: OutgoingHTTP
        let sender: HTTPSender
    }

    /// Runs a body with clients that trust the receiver's authority, and the receiver's port.
    private static func withReceiver(
        for subjectAltName: String, body: (Clients, RawReceiver, Int) async throws -> Void
    ) async throws {
        let (root, server) = try await withTemporaryDirectory { folder in
            let authority = try await TestAuthority(in: folder)
            return (authority.certificate, try await authority.issue(for: subjectAltName).serverContext())
        }
        try await RawReceiver.run(tls: server, script: { $0.write(answer) }) { receiver, port in
            let http = OutgoingHTTP(additionalTrustRoots: [root])
            let resolver = try SystemResolver()
            defer { resolver.shutdown() }
            let sender = try HTTPSender(
                resolver: resolver, policy: .operators, roots: SystemTrust(roots: nil, more: [root]))
            let clients = Clients(http: http, sender: sender)
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(clients, receiver, port)) } catch { outcome = .failure(error) }
            try await http.shutdown()
            try outcome.get()
        }
    }

    /// Of `localhost`, which is 127.0.0.1, and of the address itself.
    private static let wrong = [
        ("IP:127.0.0.1", "localhost"), ("DNS:attacker.test,IP:127.0.0.1", "localhost"),
        ("DNS:localhost", "127.0.0.1"),
    ]
    private static let right = [
        ("DNS:localhost", "localhost"), ("DNS:LOCALHOST", "localhost"), ("IP:127.0.0.1", "127.0.0.1"),
    ]

    @Test(arguments: wrong) func noPushGoesToACertificateForAnotherHost(subjectAltName: String, host: String)
        async throws
    {
        try await Self.withReceiver(for: subjectAltName) { clients, receiver, port in
            let settings = try #require(PushConfiguration(account: nil, endpoint: "https://\(host):\(port)"))
            let client = try await FCMClient(settings, clock: SystemClock(), sender: clients.sender)

            let answer = await client.send(Array("{}".utf8))

            #expect("\(answer)".contains("the certificate is for another host name"))
            #expect(receiver.requests.isEmpty)
        }
    }

    @Test(arguments: right) func aPushGoesToTheHostOfTheCertificate(subjectAltName: String, host: String) async throws {
        try await Self.withReceiver(for: subjectAltName) { clients, receiver, port in
            let settings = try #require(PushConfiguration(account: nil, endpoint: "https://\(host):\(port)"))
            let client = try await FCMClient(settings, clock: SystemClock(), sender: clients.sender)

            #expect(await client.send(Array("{}".utf8)) == .taken)
            #expect(receiver.requests.count == 1)
        }
    }

    @Test(arguments: wrong) func noKeyGoesToACertificateForAnotherHost(subjectAltName: String, host: String)
        async throws
    {
        try await Self.withReceiver(for: subjectAltName) { clients, receiver, port in
            let settings = ClientSettings(url: "https://\(host):\(port)", apiKey: Secret("a-key-of-a-user"))

            let failure = await #expect(throws: ClientFailure.self) {
                _ = try await ServerClient(settings, http: clients.http).call(.GET, "/v1/webhooks")
            }
            #expect(failure?.status == .unreachable)
            #expect("\(failure, default: "")".contains("its certificate is for another host name"))
            #expect(receiver.requests.isEmpty)
        }
    }

    @Test(arguments: right) func aKeyGoesToTheHostOfTheCertificate(subjectAltName: String, host: String) async throws {
        try await Self.withReceiver(for: subjectAltName) { clients, receiver, port in
            let settings = ClientSettings(url: "https://\(host):\(port)", apiKey: Secret("a-key-of-a-user"))

            _ = try await ServerClient(settings, http: clients.http).call(.GET, "/v1/webhooks")

            #expect(receiver.requests.count == 1)
        }
    }
}
