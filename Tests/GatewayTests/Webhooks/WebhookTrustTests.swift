import Foundation
import NIOSSL
import Storage
import TestSupport
import Testing

/// Whose certificates webhooks take, and which one they show.
@Suite(.timeLimit(.minutes(15))) struct WebhookTrustTests {
    /// Runs a receiver with a certificate of an authority of its own, which takes clients of `clients` only, when there are any.
    private static func withReceiver(
        for clients: TestAuthority? = nil, in folder: String,
        _ body: (RawReceiver, _ url: String, TestAuthority) async throws -> Void
    ) async throws {
        let authority = try await TestAuthority(in: folder)
        let issued = try await authority.issue()
        let tls = try issued.serverContext(
            asksForCertificate: clients != nil, trusting: clients.map { [$0.certificate] } ?? [])
        try await RawReceiver.run(
            tls: tls, script: { $0.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") }
        ) { try await body($0, "https://127.0.0.1:\($1)/hook", authority) }
    }

    private static func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    /// The status and the error of the first delivery of a new event.
    private static func outcome(of webhook: JSON, _ account: Account, _ phone: Account.Phone) async throws -> String {
        try await account.receive("Hello \(UUID())", on: phone)
        return try await eventually("an attempt") {
            guard let first = try await account.deliveries(webhook).first else { return nil }
            if first["status"] == "succeeded" { return "succeeded" }
            return first["last_error"] == nil ? nil : first["last_error"].string
        }
    }

    @Test(arguments: ["WEBHOOK_CA_FILE", "SSL_CERT_FILE", "nothing"])
    func theOperatorNamesAuthorities(setting: String) async throws {
        try await withTemporaryDirectory { folder in
            try await Self.withReceiver(in: folder) { _, url, authority in
                try await withServer([setting: authority.certificatePath]) { server in
                    let account = try await server.makeAccount()
                    let phone = try await account.makePhone()
                    let webhook = try await account.makeWebhook(url)

                    let outcome = try await Self.outcome(of: webhook, account, phone)

                    #expect(outcome == (setting == "nothing" ? "tls_failed" : "succeeded"))
                }
            }
        }
    }

    @Test func aWebhookHasAuthoritiesOfItsOwn() async throws {
        try await withTemporaryDirectory { folder in
            let other = try await TestAuthority(in: folder)
            try await Self.withReceiver(in: folder) { _, url, authority in
                let (right, wrong) = (try Self.text(authority.certificatePath), try Self.text(other.certificatePath))
                try await withServer { server in
                    let account = try await server.makeAccount()
                    let phone = try await account.makePhone()
                    let trusting = try await account.makeWebhook(url, ["ca_certificate": .string(right)])
                    let distrusting = try await account.makeWebhook(url, ["ca_certificate": .string(wrong)])

                    #expect(try await Self.outcome(of: trusting, account, phone) == "succeeded")
                    #expect(try await Self.outcome(of: distrusting, account, phone) == "tls_failed")
                    #expect(trusting["ca_certificate"].string.hasPrefix("-----BEGIN CERTIFICATE-----"))
                    let path = "/v1/webhooks/\(trusting["id"].string)"
                    let ended = try await account.client.put(path, ["ca_certificate": nil]).data
                    #expect(ended["ca_certificate"] == nil)
                    #expect(try await Self.outcome(of: trusting, account, phone) == "tls_failed")
                }
            }
        }
    }

    @Test func aReceiverIsShownTheCertificateThatItAsksFor() async throws {
        try await withTemporaryDirectory { folder in
            let clients = try await TestAuthority(in: folder)
            let issued = try await clients.issue(for: "DNS:sms.example.com")
            let (certificate, key) = (try Self.text(issued.certificate), try Self.text(issued.key))
            try await Self.withReceiver(for: clients, in: folder) { _, url, authority in
                try await withServer(["WEBHOOK_CA_FILE": authority.certificatePath]) { server in
                    let account = try await server.makeAccount()
                    let phone = try await account.makePhone()
                    let webhook = try await account.makeWebhook(
                        url, ["client_certificate": .string(certificate), "client_key": .string(key)])
                    let path = "/v1/webhooks/\(webhook["id"].string)"

                    #expect(try await Self.outcome(of: webhook, account, phone) == "succeeded")
                    #expect(webhook["client_certificate"].string == certificate && webhook["client_key"] == nil)
                    #expect(webhook.object.keys.contains("client_key"))
                    // What is left out stays, and so does a key that is null.
                    let kept = try await account.client.put(path, ["ordering": "message", "client_key": nil])
                    #expect(kept.data["client_certificate"].string == certificate)
                    #expect(try await Self.outcome(of: webhook, account, phone) == "succeeded")
                    _ = try await account.client.put(path, ["client_certificate": nil])
                    #expect(try await Self.outcome(of: webhook, account, phone) == "tls_failed")
                    let stored = try await server.store.read { tx in
                        try tx.rows("SELECT client_key FROM endpoint").compactMap { row -> [UInt8]? in
                            try row.find("client_key")
                        }
                    }
                    #expect(stored.isEmpty)
                    // A key that does not open is not sent without.
                    _ = try await account.client.put(
                        path, ["client_certificate": .string(certificate), "client_key": .string(key)])
                    try await server.store.write { tx in
                        _ = try tx.run("UPDATE endpoint SET client_key = \([UInt8](repeating: 7, count: 40))")
                    }
                    try await account.receive("Hello \(UUID())", on: phone)
                    _ = try await eventually("a disabled webhook") {
                        [try await account.webhook(webhook)].first {
                            $0["status_reason"].string.hasPrefix("client_key_unreadable")
                        }
                    }
                    #expect(
                        try await account.client.put(path, ["client_key": .string(key)]).data["status"] == "active")
                }
            }
        }
    }

    @Test func whatCannotBeUsedIsRefused() async throws {
        try await withTemporaryDirectory { folder in
            let authority = try await TestAuthority(in: folder)
            let (one, other) = (try await authority.issue(), try await authority.issue())
            let certificate = JSON.string(try Self.text(one.certificate))
            let cases: [(JSON, String)] = [
                (["ca_certificate": "nonsense"], "ca_certificate"),
                (["ca_certificate": .string(try Self.text(one.key))], "ca_certificate"),
                (["ca_certificate": .string(String(repeating: "a", count: 40_000))], "ca_certificate"),
                (
                    [
                        "ca_certificate": .string(
                            String(repeating: try Self.text(one.certificate), count: 11))
                    ], "ca_certificate"
                ),
                (["client_certificate": certificate], "client_key"),
                (["client_key": .string(try Self.text(one.key))], "client_key"),
                (["client_certificate": certificate, "client_key": "nonsense"], "client_key"),
                (["client_certificate": certificate, "client_key": .string(try Self.text(other.key))], "client_key"),
                (["client_certificate": "\u{0}", "client_key": "\u{0}"], "client_certificate"),
            ]
            try await withWebhookServer { _, account, _, receiver in
                for (certificates, field) in cases {
                    let answer = try await account.client.post(
                        "/v1/webhooks", account.webhookSettings(receiver.url(), certificates))
                    #expect(answer.status == 422 && answer.data.object.keys.sorted() == [field], "\(answer)")
                    #expect(!answer.text.contains("PRIVATE KEY"))
                }
            }
        }
    }
}
