import AsyncHTTPClient
import Delivery
import NIOCore
import NIOHTTP1
import Synchronization
import Wire

/// The baselines of delivery: clients that post the bodies of a benchmark's events, and store nothing.
package enum BareClient: String, Sendable, CaseIterable {
    /// AsyncHTTPClient with a plain pool.
    case asyncHTTPClient = "async-http-client"
    /// Our own sender, without the engine around it.
    case sender = "own-sender"

    /// Requests under way at the same time: what AsyncHTTPClient does best with on two cores.
    private static let concurrency = 64

    /// Posts `count` bodies to `url`.
    ///
    /// - Throws: ``BenchFailure`` when one is not answered with 200.
    func post(count: Int, to url: String) async throws {
        let bodies = BenchMessage.bodies(count: count)
        switch self {
        case .asyncHTTPClient: try await Self.postWithAsyncHTTPClient(bodies, to: url)
        case .sender: try await Self.postWithSender(bodies, to: url)
        }
    }

    private static func postWithAsyncHTTPClient(_ bodies: [[UInt8]], to url: String) async throws {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = concurrency
        configuration.httpVersion = .http1Only
        let client = HTTPClient(configuration: configuration)
        let buffers = bodies.map { ByteBuffer(bytes: $0) }
        do {
            try await forEach(count: bodies.count) { index in
                var request = HTTPClientRequest(url: url)
                request.method = .POST
                request.headers = HTTPHeaders(headers)
                request.body = .bytes(buffers[index])
                let response = try await client.execute(request, timeout: .seconds(5))
                guard response.status == .ok else { throw BenchFailure("the sink answered \(response.status)") }
                _ = try await response.body.collect(upTo: 1_024)
            }
        } catch {
            try? await client.shutdown()  // The first error is the one to report.
            throw error
        }
        try await client.shutdown()
    }

    private static func postWithSender(_ bodies: [[UInt8]], to url: String) async throws {
        let resolver = try SystemResolver()
        defer { resolver.shutdown() }
        let sender = try HTTPSender(
            resolver: resolver, policy: AddressPolicy(allowedNetworks: [try Network("127.0.0.0/8")]))
        let callback = try CallbackURL(url)
        try await forEach(count: bodies.count) { index in
            let result = await sender.send(
                WebhookRequest(poolKey: "bench", url: callback, headers: headers, body: bodies[index]),
                within: .seconds(5))
            guard result.outcome == .response(statusCode: 200) else {
                throw BenchFailure("the sink answered \(result.outcome)")
            }
        }
        await sender.shutdown()
    }

    private static func forEach(
        count: Int, _ body: @escaping @Sendable @concurrent (Int) async throws -> Void
    ) async throws {
        let next = NextIndex()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<concurrency {
                group.addTask {
                    while true {
                        let index = next.take()
                        guard index < count else { return }
                        try await body(index)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private final class NextIndex: Sendable {
        private let value = Atomic(0)

        func take() -> Int { value.wrappingAdd(1, ordering: .relaxed).oldValue }
    }

    /// As many bytes as the engine sends, but the same ones every time.
    private static let headers: [(name: String, value: String)] = [
        ("Content-Type", "application/json"),
        ("X-Event-Type", "message.phone.received"),
        ("User-Agent", "httpSMS/\(ServerVersion.current)"),
        ("X-Httpsms-Delivery", "01980000-0000-7000-8000-000000000000"),
        ("X-Httpsms-Attempt", "1"),
        ("Authorization", "Bearer " + String(repeating: "x", count: 280)),
        ("webhook-id", "01980000-0000-7000-8000-000000000000"),
        ("webhook-timestamp", "1750000000"),
        ("webhook-signature", "v1," + String(repeating: "x", count: 44)),
    ]
}
