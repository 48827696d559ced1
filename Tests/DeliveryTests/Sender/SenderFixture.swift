import NIOSSL
import TestSupport
import Testing

@testable import Delivery

/// Loopback is the only network that the tests use.
let loopbackPolicy = AddressPolicy(allowedNetworks: [
    Network(base: IPAddress(v4: 0x7F00_0000), prefixLength: 8), Network(base: IPAddress(v6: 1), prefixLength: 128),
])

/// Loading the system's trust roots takes 20 ms and more: once for all tests.
private let systemTLS = Result { try HTTPSender.makeTLS(SystemTrust(roots: nil, more: [])) }

/// A complete answer that keeps the connection.
let okResponse = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/// Runs a body with a sender and shuts it down.
func withSender<Answer>(
    resolver: any AddressResolver = StubResolver("127.0.0.1"), policy: AddressPolicy = loopbackPolicy,
    trusting roots: [NIOSSLCertificate] = [], proxy: EgressProxy? = nil, body: (HTTPSender) async throws -> Answer
) async throws -> Answer {
    let tls = roots.isEmpty ? try systemTLS.get() : try HTTPSender.makeTLS(SystemTrust(roots: nil, more: roots))
    let sender = HTTPSender(resolver: resolver, policy: policy, tls: tls, proxy: proxy)
    do {
        let answer = try await body(sender)
        await sender.shutdown()
        return answer
    } catch {
        await sender.shutdown()
        throw error
    }
}

/// A request to a URL with a small body.
func request(
    _ url: String, poolKey: String = "endpoint.1",
    headers: [(name: String, value: String)] = [("X-Event-Type", "test")],
    body: String = "{}"
) throws -> WebhookRequest {
    WebhookRequest(poolKey: poolKey, url: try CallbackURL(url), headers: headers, body: Array(body.utf8))
}

/// Sends one request to a receiver that follows a script.
func attempt(
    within limit: Duration = .milliseconds(300), answersConnections: Bool = false, script: @escaping RawReceiver.Script
) async throws -> AttemptResult {
    try await RawReceiver.run(answersConnections: answersConnections, script: script) { _, port in
        try await withSender { sender in
            await sender.send(try request("http://receiver.test:\(port)/hook"), within: limit)
        }
    }
}

extension AttemptResult {
    /// The failure's code; nil for a response.
    var failureCode: AttemptFailure.Code? {
        if case .failure(let failure) = outcome { failure.code } else { nil }
    }
}
