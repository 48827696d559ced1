import AsyncHTTPClient
import Delivery
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// Requests of our own to servers that an operator names: Firebase, and the server that a command talks to.
///
/// AsyncHTTPClient 1.37.0 leaves the host name to NIOSSL, which takes a certificate for the address alone (see
/// ``CertificateIdentity``). Its initializer for connections runs after the handshake and before a connection is given
/// to a request, so the certificate is checked there; as it is not told the host, there is a client per host. Redirects
/// are not followed: the key is for the server that was named. HTTP/1.1 only, for one place to check. Thread-safe.
package final class OutgoingHTTP: Sendable {
    /// Trusts the system's authorities; lives as long as the process.
    package static let shared = OutgoingHTTP()

    /// 64 requests to one host at a time: with the usual 8, eight slow answers would keep every other push waiting.
    package static let connectionsPerHost = 64

    private struct Peer: Hashable {
        let isTLS: Bool
        let host: String
    }

    private let additionalTrustRoots: [NIOSSLCertificate]

    /// Never emptied: only settings and arguments of commands name hosts, so they are few.
    private let clients = Mutex<[Peer: HTTPClient]>([:])

    /// Makes a set of clients, which trust some authorities beside the system's.
    package init(additionalTrustRoots: [NIOSSLCertificate] = []) {
        self.additionalTrustRoots = additionalTrustRoots
    }

    /// Sends a request; it fails at `deadline` at the latest.
    ///
    /// - Throws: ``CertificateIdentity/Mismatch`` before a byte of the request is written, and what the transport throws.
    package func execute(_ request: HTTPClientRequest, deadline: NIODeadline) async throws -> HTTPClientResponse {
        try await client(for: request.url).execute(request, deadline: deadline)
    }

    /// Sends a request; it fails after `timeout` at the latest.
    package func execute(_ request: HTTPClientRequest, timeout: TimeAmount) async throws -> HTTPClientResponse {
        try await execute(request, deadline: .now() + timeout)
    }

    /// Asks for `url` without a key.
    ///
    /// - Returns: The status, and the body as text.
    /// - Throws: What ``execute(_:timeout:)`` throws, and for a body of more than 64 KiB.
    package func get(_ url: String, within limit: Duration) async throws -> (status: Int, body: String) {
        let response = try await execute(HTTPClientRequest(url: url), timeout: TimeAmount(limit))
        let body = try await response.body.collect(upTo: 65_536)
        return (Int(response.status.code), String(buffer: body))
    }

    /// What a server answers.
    package struct Answer: Sendable {
        /// The HTTP status.
        package let status: Int
        /// `Retry-After`, in seconds; nil when there is none, or it is a date.
        package let retryAfter: Int?
        /// `Location`; nil when there is none.
        package let location: String?
        /// Nil when it was larger than was asked for.
        package let body: [UInt8]?
    }

    /// Asks for `url` with `headers`, such as a key, for a body of at most `most` bytes.
    ///
    /// - Throws: What ``execute(_:timeout:)`` throws.
    package func get(
        _ url: String, headers: [(String, String)], within limit: Duration, upTo most: Int
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: url)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let response = try await execute(request, timeout: TimeAmount(limit))
        let body: [UInt8]?
        do {
            body = Array(buffer: try await response.body.collect(upTo: most))
        } catch is NIOTooManyBytesError {
            body = nil
        }
        return Answer(
            status: Int(response.status.code),
            retryAfter: response.headers.first(name: "Retry-After").flatMap { Int($0) },
            location: response.headers.first(name: "Location"), body: body)
    }

    /// Closes every connection; nothing can be sent any more.
    package func shutdown() async throws {
        let all = clients.withLock { Array($0.values) }
        for client in all { try await client.shutdown() }
    }

    private func client(for url: String) throws -> HTTPClient {
        guard let parsed = URL(string: url), let host = parsed.host, !host.isEmpty else {
            throw HTTPClientError.invalidURL
        }
        let bare = String(host.drop { $0 == "[" }.prefix { $0 != "]" })
        let peer = Peer(isTLS: parsed.scheme?.lowercased() != "http", host: bare.lowercased())
        return clients.withLock { clients in
            if let client = clients[peer] { return client }
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration(for: peer))
            clients[peer] = client
            return client
        }
    }

    private func configuration(for peer: Peer) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout = .init(connect: .seconds(10), read: .seconds(60))
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Self.connectionsPerHost
        configuration.httpVersion = .http1Only
        guard peer.isTLS else { return configuration }
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        tls.additionalTrustRoots = [.certificates(additionalTrustRoots)]
        // The chain is verified; the host below.
        tls.certificateVerification = .noHostnameVerification
        configuration.tlsConfiguration = tls
        configuration.http1_1ConnectionDebugInitializer = { channel in
            channel.eventLoop.submit {
                do {
                    try CertificateIdentity.check(peer.host, of: channel)
                } catch {
                    // AsyncHTTPClient forgets the connection without closing it.
                    channel.close(promise: nil)
                    throw error
                }
            }
        }
        return configuration
    }
}
