import AsyncHTTPClient
import Dispatch
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization
import TestSupport
import Testing

@testable import Gateway
@testable import Server

/// `httpsms serve` with TLS_CERTIFICATE and TLS_KEY, over real sockets.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct HTTPSTests {
    /// The status of `GET url` for a client that trusts `authority` only; nil when there is no connection.
    private static func status(
        _ url: String, trusting authority: TestAuthority, maximum: TLSVersion? = nil
    ) async throws -> UInt? {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates([authority.certificate])
        tls.maximumTLSVersion = maximum
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        // No connection is an answer here.
        let response = try? await client.execute(HTTPClientRequest(url: url), timeout: .seconds(10))
        try await client.shutdown()
        return response?.status.code
    }

    private static func expect(
        _ status: UInt?, _ url: String, trusting authority: TestAuthority, maximum: TLSVersion? = nil,
        at location: SourceLocation = #_sourceLocation
    ) async throws {
        let answer = try await Self.status(url, trusting: authority, maximum: maximum)
        #expect(answer == status, sourceLocation: location)
    }

    /// A server whose certificate is in files that a test can replace.
    private static func withHTTPS(
        _ body:
            @escaping @Sendable (TestServer, _ authority: TestAuthority, _ files: TestAuthority.Issued) async throws
            -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            let authority = try await TestAuthority(in: folder)
            let files = try await authority.issue()
            try await withServer(["TLS_CERTIFICATE": files.certificate, "TLS_KEY": files.key]) { server in
                try await body(server, authority, files)
            }
        }
    }

    private static func replace(_ files: TestAuthority.Issued, with new: TestAuthority.Issued) throws {
        for (from, to) in [(new.certificate, files.certificate), (new.key, files.key)] {
            try Data(contentsOf: URL(filePath: from)).write(to: URL(filePath: to), options: .atomic)
        }
    }

    @Test func aRequestIsAnsweredOverTLS12And13Only() async throws {
        try await Self.withHTTPS { server, authority, _ in
            let url = server.baseURL + "/health"
            #expect(url.hasPrefix("https://127.0.0.1:"))

            try await Self.expect(200, url, trusting: authority)
            try await Self.expect(200, url, trusting: authority, maximum: .tlsv12)
            try await Self.expect(nil, url, trusting: authority, maximum: .tlsv11)
            try await Self.expect(nil, url.replacing("https", with: "http"), trusting: authority)
        }
    }

    @Test func aNewPairIsServedWithoutARestart() async throws {
        try await Self.withHTTPS { server, authority, files in
            let url = server.baseURL + "/health"
            let next = try await TestAuthority(in: URL(filePath: files.key).deletingLastPathComponent().path)
            try await Self.expect(nil, url, trusting: next)

            try Self.replace(files, with: try await next.issue())

            try await until("the new certificate") { try await Self.status(url, trusting: next) == 200 }
            try await Self.expect(nil, url, trusting: authority)
        }
    }

    @Test func aBrokenPairIsLoggedAndTheOneBeforeStays() async throws {
        try await Self.withHTTPS { server, authority, files in
            let url = server.baseURL + "/health"
            let others = try await authority.issue()

            try Data(contentsOf: URL(filePath: others.key)).write(to: URL(filePath: files.key), options: .atomic)

            let line = try await eventually("the error") { server.log.lines.first { $0.level == .error } }
            #expect(line.message == "certificate not reloaded, the one before stays")
            #expect(line.metadata["error"]?.hasPrefix("TLS_KEY names \(files.key), which is not the key of") == true)
            try await Self.expect(200, url, trusting: authority)

            try FileManager.default.removeItem(atPath: files.certificate)
            try await until("the next error") { server.log.lines.count { $0.level == .error } == 2 }
            try await Self.expect(200, url, trusting: authority)

            let next = try await TestAuthority(in: URL(filePath: files.key).deletingLastPathComponent().path)
            try Self.replace(files, with: try await next.issue())
            try await until("the new certificate") { try await Self.status(url, trusting: next) == 200 }
            #expect(server.log.lines.count { $0.level == .error } == 2)
        }
    }

    @Test func whatIsWrongWithTheFilesIsSaidAtStartWithTheVariable() async throws {
        try await withTemporaryDirectory { folder in
            let authority = try await TestAuthority(in: folder)
            let (pair, other) = (try await authority.issue(), try await authority.issue())
            let (missing, text, locked) = (folder + "/none.pem", folder + "/text.pem", folder + "/locked.pem")
            try Data("no PEM".utf8).write(to: URL(filePath: text))
            let (pipe, large) = (try OddFiles.pipe(in: folder), try OddFiles.large(in: folder))
            try await TestAuthority.openssl(
                ["pkey", "-in", pair.key, "-out", locked, "-aes128", "-passout", "pass:x"], in: folder)
            let (empty, many) = (folder + "/empty.pem", folder + "/many.pem")
            try Data().write(to: URL(filePath: empty))
            let one = try Data(contentsOf: URL(filePath: pair.certificate))
            try Data(repeatElement(one, count: 1_000).joined()).write(to: URL(filePath: many))
            let nameless = try await TestAuthority.nameless(in: folder)
            let table: [(String, String, String)] = [
                (empty, pair.key, "TLS_CERTIFICATE names \(empty), which holds no certificate in PEM"),
                (pair.certificate, empty, "TLS_KEY names \(empty), which holds no private key in PEM"),
                (many, pair.key, "TLS_CERTIFICATE names \(many), which holds 1000 certificates"),
                (
                    nameless.certificate, nameless.key,
                    "TLS_CERTIFICATE names \(nameless.certificate), whose key is on an elliptic curve that is given"
                ),
                (missing, pair.key, "TLS_CERTIFICATE names \(missing), which is not there"),
                (pair.certificate, missing, "TLS_KEY names \(missing), which is not there"),
                (
                    folder, pair.key,
                    "TLS_CERTIFICATE names \(folder), which is a folder, a pipe or a device, not a file"
                ),
                (pipe, pair.key, "TLS_CERTIFICATE names \(pipe), which is a folder, a pipe or a device, not a file"),
                (large, pair.key, "TLS_CERTIFICATE names \(large), which has more than 1 MiB"),
                (pair.certificate, pipe, "TLS_KEY names \(pipe), which is a folder, a pipe or a device, not a file"),
                (pair.certificate, large, "TLS_KEY names \(large), which has more than 1 MiB"),
                (text, pair.key, "TLS_CERTIFICATE names \(text), which holds no certificate in PEM"),
                (pair.key, pair.key, "TLS_CERTIFICATE names \(pair.key), which holds no certificate in PEM"),
                (pair.certificate, text, "TLS_KEY names \(text), which holds no private key in PEM"),
                (pair.certificate, locked, "TLS_KEY names \(locked), which holds no private key in PEM"),
                (pair.certificate, other.key, "TLS_KEY names \(other.key), which is not the key of"),
            ]
            for (certificate, key, words) in table {
                let error = await #expect(throws: CertificateError.self) {
                    try await withServer(["TLS_CERTIFICATE": certificate, "TLS_KEY": key]) { _ in }
                }
                #expect(error?.description.hasPrefix(words) == true, "\(words): \(String(describing: error))")
            }
        }
    }

    @Test func aReadThatHangsIsNotWaitedForAtTheEnd() async throws {
        let gate = DispatchSemaphore(value: 0)
        let isReading = Mutex(false)
        defer { gate.signal() }
        let reading = Task {
            await CertificateWatch.offPool {
                isReading.withLock { $0 = true }
                gate.wait()
                return true
            }
        }
        try await until("it is being read") { isReading.withLock { $0 } }

        reading.cancel()

        #expect(await reading.value == nil)
    }
}
