import Foundation
import NIOCore
import NIOSSL
import TestSupport
import Testing

@testable import Delivery

@Suite struct TLSTests {
    /// An authority and a certificate for receiver.test and 127.0.0.1, made by the openssl command.
    private struct Certificates {
        let authority: NIOSSLCertificate
        let server: NIOSSLContext

        init(subjectAltName: String = "DNS:receiver.test,IP:127.0.0.1") async throws {
            let folder = FileManager.default.temporaryDirectory.appending(path: "httpsms-tls-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let subject = ["-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"]
            try await Self.openssl(
                ["req", "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test authority"] + subject,
                in: folder)
            try await Self.openssl(
                ["req", "-x509", "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "key.pem", "-out", "cert.pem"]
                    + ["-subj", "/CN=receiver", "-addext", "subjectAltName=\(subjectAltName)"]
                    + ["-addext", "basicConstraints=critical,CA:FALSE"] + subject, in: folder)
            authority = try #require(NIOSSLCertificate.fromPEMFile(folder.appending(path: "ca.pem").path).first)
            let chain = try NIOSSLCertificate.fromPEMFile(folder.appending(path: "cert.pem").path)
            let key = try NIOSSLPrivateKey(file: folder.appending(path: "key.pem").path, format: .pem)
            server = try NIOSSLContext(
                configuration: .makeServerConfiguration(
                    certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key)))
        }

        private static func openssl(_ arguments: [String], in folder: URL) async throws {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = ["openssl"] + arguments
            process.currentDirectoryURL = folder
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            // Not `waitUntilExit`: blocked threads of the cooperative pool would age idle connections of other tests.
            let status = try await withCheckedThrowingContinuation { continuation in
                process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
                do { try process.run() } catch { continuation.resume(throwing: error) }
            }
            try #require(status == 0, "openssl \(arguments.joined(separator: " "))")
        }
    }

    @Test func aCertificateOfAnUnknownAuthorityIsRefused() async throws {
        let certificates = try await Certificates()
        try await RawReceiver.run(tls: certificates.server, script: { $0.write(okResponse) }) { receiver, port in
            try await withSender { sender in
                let result = await sender.send(try request("https://receiver.test:\(port)/"), within: .seconds(20))

                #expect(
                    result.outcome
                        == .failure(
                            AttemptFailure(
                                .tlsFailed,
                                "the certificate is self-signed, expired or not issued by a trusted authority")))
                #expect(receiver.requests.isEmpty)
            }
        }
    }

    @Test(arguments: ["receiver.test", "127.0.0.1"])
    func aCertificateOfATrustedAuthorityIsAcceptedAndItsConnectionReused(host: String) async throws {
        let certificates = try await Certificates()
        try await RawReceiver.run(tls: certificates.server, script: { $0.write(okResponse) }) { receiver, port in
            try await withSender(trusting: [certificates.authority]) { sender in
                let request = try request("https://\(host):\(port)/")
                let first = await sender.send(request, within: .seconds(20))
                let second = await sender.send(request, within: .seconds(20))

                #expect(first.outcome == .response(statusCode: 200))
                #expect(first.phases.tls != nil && first.phases.connect != nil)
                #expect(second.outcome == .response(statusCode: 200))
                #expect(second.phases.tls == nil)
                #expect(receiver.connectionCount == 1)
            }
        }
    }

    @Test(arguments: [
        ("DNS:other.test", "receiver.test"), ("DNS:receiver.test", "127.0.0.1"), ("IP:127.0.0.2", "127.0.0.1"),
    ])
    func aCertificateForAnotherHostIsRefused(subjectAltName: String, host: String) async throws {
        let certificates = try await Certificates(subjectAltName: subjectAltName)
        try await RawReceiver.run(tls: certificates.server, script: { $0.write(okResponse) }) { receiver, port in
            try await withSender(trusting: [certificates.authority]) { sender in
                let result = await sender.send(try request("https://\(host):\(port)/"), within: .seconds(20))

                #expect(
                    result.outcome == .failure(AttemptFailure(.tlsFailed, "the certificate is for another host name")))
                #expect(receiver.requests.isEmpty)
            }
        }
    }

    @Test func aHandshakeThatStallsEndsAtTheDeadline() async throws {
        try await RawReceiver.run(script: { _ in }) { _, port in
            try await withSender { sender in
                let result = await sender.send(
                    try request("https://receiver.test:\(port)/"), within: .milliseconds(800))

                #expect(result.failureCode == .tlsTimeout)
                #expect(result.duration >= .milliseconds(799) && result.duration < .seconds(15))
            }
        }
    }

    @Test func aPortThatDoesNotSpeakTLSIsToldSo() async throws {
        try await RawReceiver.run(answersConnections: true, script: { $0.write(okResponse) }) { _, port in
            try await withSender { sender in
                let result = await sender.send(try request("https://receiver.test:\(port)/"), within: .seconds(20))

                #expect(
                    result.outcome
                        == .failure(AttemptFailure(.tlsFailed, "the receiver does not speak TLS on this port")))
            }
        }
    }

    @Test func closingDuringTheHandshakeIsAFailureOfTLS() async throws {
        try await RawReceiver.run(answersConnections: true, script: { $0.close() }) { _, port in
            try await withSender { sender in
                let result = await sender.send(try request("https://receiver.test:\(port)/"), within: .seconds(20))

                #expect(result.failureCode == .tlsFailed)
            }
        }
    }
}
