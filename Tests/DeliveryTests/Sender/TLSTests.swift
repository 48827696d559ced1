import Foundation
import NIOCore
import NIOSSL
import TestSupport
import Testing

@testable import Delivery

@Suite struct TLSTests {
    /// An authority and a certificate of it, for receiver.test and 127.0.0.1 unless told otherwise.
    private struct Certificates {
        let authority: NIOSSLCertificate
        let server: NIOSSLContext

        init(
            subjectAltName: String = "DNS:receiver.test,IP:127.0.0.1", asksForCertificate: Bool = false,
            maximum: TLSVersion? = nil
        ) async throws {
            (authority, server) = try await withTemporaryDirectory { folder in
                let authority = try await TestAuthority(in: folder)
                let issued = try await authority.issue(for: subjectAltName)
                return (
                    authority.certificate,
                    try issued.serverContext(asksForCertificate: asksForCertificate, maximum: maximum)
                )
            }
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
        // The address that is dialled is 127.0.0.1, whatever the name: it says nothing about who answers there.
        ("IP:127.0.0.1", "receiver.test"), ("DNS:attacker.test,IP:127.0.0.1", "receiver.test"),
        ("DNS:good.test,DNS:*.wild.test,IP:127.0.0.1", "localhost"),
        ("DNS:good.test,DNS:*.wild.test,IP:127.0.0.1", "a.b.wild.test"),
        ("DNS:*.wild.test,IP:127.0.0.1", "wild.test"), ("DNS:127.0.0.1", "127.0.0.1"),
        // The common name of every certificate here is `receiver`.
        ("email:owner@example.com", "receiver"),
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

    @Test(arguments: [
        ("DNS:*.wild.test", "a.wild.test"), ("DNS:RECEIVER.Test", "receiver.test"),
        ("DNS:my_host.receiver.test", "my_host.receiver.test"), ("DNS:*.receiver.test", "my_host.receiver.test"),
        ("IP:127.0.0.1", "127.0.0.1"),
    ])
    func aCertificateForTheHostIsAccepted(subjectAltName: String, host: String) async throws {
        let certificates = try await Certificates(subjectAltName: subjectAltName)
        try await RawReceiver.run(tls: certificates.server, script: { $0.write(okResponse) }) { _, port in
            try await withSender(trusting: [certificates.authority]) { sender in
                let result = await sender.send(try request("https://\(host):\(port)/"), within: .seconds(20))

                #expect(result.outcome == .response(statusCode: 200))
            }
        }
    }

    @Test(arguments: [
        ("sms.example.com", "sms.example.com", true), ("sms.example.com.", "SMS.example.com", true),
        ("sms.example.com", "sms.example.com.", true), ("*.example.com", "sms.example.com", true),
        ("*.example.com", "xn--sms-abc.example.com", true), ("*.example.com", "my_sms.example.com", true),
        ("*.example.com", "example.com", false), ("*.example.com", "a.sms.example.com", false),
        ("*.example.com", ".example.com", false), ("s*.example.com", "sms.example.com", false),
        ("*s.example.com", "sms.example.com", false), ("xn--*.example.com", "xn--sms.example.com", false),
        ("sms.*.com", "sms.example.com", false), ("*.*.com", "sms.example.com", false), ("*.com", "example.com", false),
        ("*", "localhost", false), ("*.", "localhost", false), ("*.example.com", "*.example.com", false),
        ("", "", false), (".", ".", false), ("", "sms.example.com", false),
        ("sms.example.com\0.attacker.test", "sms.example.com", false), ("example.com", "sms.example.com", false),
    ])
    func aNameInACertificateCovers(pattern: String, host: String, covers: Bool) {
        #expect(CertificateIdentity.matches(pattern: Array(pattern.utf8), host: host) == covers)
    }

    /// Under TLS 1.3 the receiver refuses after the request was written, under TLS 1.2 without saying why.
    @Test(arguments: [
        (TLSVersion.tlsv13, "the receiver asks for a client certificate"),
        (.tlsv12, "the receiver refused the handshake: it may ask for a client certificate, or share no cipher"),
        (.tlsv11, "the receiver offers only TLS versions before 1.2"),
    ])
    func whyAReceiverRefusesIsTold(maximum: TLSVersion, detail: String) async throws {
        let certificates = try await Certificates(asksForCertificate: true, maximum: maximum)
        try await RawReceiver.run(tls: certificates.server, script: { $0.write(okResponse) }) { receiver, port in
            try await withSender(trusting: [certificates.authority]) { sender in
                let result = await sender.send(try request("https://receiver.test:\(port)/"), within: .seconds(20))

                #expect(result.outcome == .failure(AttemptFailure(.tlsFailed, detail)))
                let hint = Etiquette.hint(for: "tls_failed", detail: detail) ?? ""
                #expect(!hint.contains("Install a valid certificate"), "\(hint)")
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
