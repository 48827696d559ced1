import Foundation
import Secrets
import TestSupport
import Testing

@testable import Delivery

/// Which certificates and keys an endpoint may have.
@Suite struct EndpointTrustTests {
    @Test(arguments: [
        (["rsa:2048"], nil), (["rsa:4096"], nil), (["ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"], nil),
        (["rsa:5120"], "it is an RSA key of more than 4096 bits, with which each connection would be slow"),
    ])
    func aKeyThatWouldHoldUpOthersIsRefused(kind: [String], reason: String?) async throws {
        try await withTemporaryDirectory { folder in
            try await TestAuthority.openssl(
                ["req", "-x509", "-nodes", "-newkey"] + kind
                    + ["-keyout", "key.pem", "-out", "certificate.pem", "-subj", "/CN=us", "-days", "2"], in: folder)
            var trust = EndpointTrust()
            trust.certificate = try String(contentsOfFile: folder + "/certificate.pem", encoding: .utf8)
            trust.key = Secret(try String(contentsOfFile: folder + "/key.pem", encoding: .utf8))
            var fault: EndpointTrust.Fault?
            do throws(EndpointTrust.Fault) { try trust.check() } catch { fault = error }

            #expect(fault?.reason == reason)
            #expect(fault == nil || fault?.part == .key)
        }
    }

    private static func fault(_ trust: EndpointTrust) -> EndpointTrust.Fault? {
        do throws(EndpointTrust.Fault) {
            try trust.check()
            return nil
        } catch {
            return error
        }
    }

    /// Such a certificate can be read, and no connection with it is ever made.
    @Test func aCurveWithoutANameIsNamedAsTheReason() async throws {
        try await withTemporaryDirectory { folder in
            let nameless = try await TestAuthority.nameless(in: folder)
            let certificate = try String(contentsOfFile: nameless.certificate, encoding: .utf8)
            var (client, authority) = (EndpointTrust(), EndpointTrust())
            (client.certificate, authority.authorities) = (certificate, certificate)
            client.key = Secret(try String(contentsOfFile: nameless.key, encoding: .utf8))

            let faults = [Self.fault(client), Self.fault(authority)]

            #expect(faults.map { $0?.part } == [.certificate, .authorities])
            #expect(faults.allSatisfy { $0?.reason.hasPrefix("its key is on an elliptic curve") == true })
        }
    }

    @Test func emptyForeignAndManyCertificatesAreRefusedInWords() async throws {
        try await withTemporaryDirectory { folder in
            let authority = try await TestAuthority(in: folder)
            let (mine, other) = (try await authority.issue(), try await authority.issue())
            func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
            func fault(_ certificate: String, _ key: String) -> EndpointTrust.Fault? {
                var trust = EndpointTrust()
                (trust.certificate, trust.key) = (certificate, Secret(key))
                return Self.fault(trust)
            }
            let (certificate, key) = (try text(mine.certificate), try text(mine.key))
            let hollow = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"

            #expect(fault(certificate, key) == nil)
            let foreign = fault(certificate, try text(other.key))
            #expect(foreign?.part == .key && foreign?.reason == "it is not the key of the certificate")
            for empty in ["", "\n", hollow] {
                let found = fault(empty, key)
                #expect(found?.part == .certificate && found?.reason.contains("certificate") == true)
                #expect(fault(certificate, empty)?.reason == "it is no private key in PEM without a passphrase")
            }
            let many = fault(String(repeating: certificate, count: 1_000), key)
            #expect(many?.reason == "it must be one to 10 certificates in PEM")
        }
    }
}
