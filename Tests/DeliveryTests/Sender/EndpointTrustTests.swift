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
}
