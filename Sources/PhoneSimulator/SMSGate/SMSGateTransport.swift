import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Timestamps

/// Makes the calls of simulated SMSGate apps; any number of them share one.
package struct SMSGateTransport: Sendable {
    private let api: HTTPClient
    private let hooks: HTTPClient
    private let streams: HTTPClient

    /// Runs `body` with a transport, which ends with it.
    package static func with<Value: Sendable>(
        _ body: @Sendable (SMSGateTransport) async throws -> Value
    ) async throws -> Value {
        try await HTTPClient.withHTTPClient(configuration: configuration(silence: .seconds(10))) { api in
            try await HTTPClient.withHTTPClient(configuration: configuration(silence: .seconds(5))) { hooks in
                try await HTTPClient.withHTTPClient(configuration: configuration(silence: .hours(1))) { streams in
                    try await body(SMSGateTransport(api: api, hooks: hooks, streams: streams))
                }
            }
        }
    }

    /// OkHttp's habits: no more than its own time to connect; redirects are left alone, as Ktor leaves those of all but GET.
    private static func configuration(silence: TimeAmount) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout = .init(connect: silence < .seconds(10) ? silence : .seconds(10), read: silence)
        configuration.httpVersion = .http1Only
        // OkHttp gives up where nobody listens.
        configuration.connectionPool.retryConnectionEstablishment = false
        // Each stream holds a connection for as long as it lives.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 10_000
        return configuration
    }

    /// Makes a call; nil when there was no answer, for whatever reason.
    func call(_ request: SMSGateRequest) async -> SMSGateAnswer? {
        do {
            let client = request.silence < .seconds(10) ? hooks : api
            // A call that is never silent for long has no end for the app; here it has one.
            let deadline = TimeAmount.nanoseconds((request.total ?? .seconds(300)).nanoseconds)
            let response = try await client.execute(Self.request(request), timeout: deadline)
            let body = try await response.body.collect(upTo: Self.largestAnswer)
            return SMSGateAnswer(Int(response.status.code), body.readableBytesView)
        } catch {
            return nil  // What kind of failure makes no difference to the app.
        }
    }

    /// Opens a stream and reads it to its end; returns at once when the server does not accept it as one.
    func read(
        _ request: SMSGateRequest, opened: @Sendable () -> Void, said: @Sendable (OkHTTPStreamReader.Event) -> Void
    ) async {
        do {
            let response = try await streams.execute(Self.request(request), deadline: .distantFuture)
            let type = response.headers.first(name: "Content-Type")?.lowercased() ?? ""
            guard (200..<300).contains(response.status.code), type.hasPrefix("text/event-stream") else { return }
            opened()
            var reader = OkHTTPStreamReader()
            for try await part in response.body {
                guard let events = reader.read(part.readableBytesView) else { return }
                for event in events { said(event) }
            }
        } catch {
            // An end like any other to the app.
        }
    }

    private static func request(_ request: SMSGateRequest) -> HTTPClientRequest {
        var made = HTTPClientRequest(url: request.url)
        made.method = HTTPMethod(rawValue: request.method)
        for header in request.headers { made.headers.add(name: header.name, value: header.value) }
        if let body = request.body { made.body = .bytes(ByteBuffer(string: body)) }
        return made
    }

    /// 64 MiB: more than any answer of ours.
    private static let largestAnswer = 1 << 26
}
