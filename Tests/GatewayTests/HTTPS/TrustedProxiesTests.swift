import Delivery
import Foundation
import Logging
import Storage
import TestSupport
import Testing

@testable import Gateway

/// `X-Forwarded-For` and `X-Forwarded-Proto`: believed from TRUSTED_PROXIES, and from nobody else.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct TrustedProxiesTests {
    private static let proxies = try? TrustedProxies(networks: [Network("10.0.0.0/8"), Network("fd00::/8")])

    @Test(arguments: [
        ("203.0.113.7", ["1.1.1.1"], "203.0.113.7"), ("10.0.0.1", [], "10.0.0.1"), ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"), ("10.0.0.1", ["1.1.1.1, 203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["1.1.1.1", "203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7, 10.0.0.2 ,10.0.0.3"], "203.0.113.7"),
        ("10.0.0.1", ["10.0.0.9, 10.0.0.2"], "10.0.0.9"), ("10.0.0.1", ["203.0.113.7, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["nonsense, 10.0.0.2"], "10.0.0.2"), ("10.0.0.1", ["203.0.113.7:8080"], "203.0.113.7"),
        ("::ffff:10.0.0.1", ["203.0.113.7"], "203.0.113.7"), ("fd00::1", ["2001:db8::7"], "2001:db8::7"),
        ("fd00::1", ["[2001:db8::7]:443"], "2001:db8::7"), ("fd00::1", ["[2001:db8::7]"], "2001:db8::7"),
        ("fd00::1", [String(repeating: ",", count: 10_000)], "fd00::1"), ("2001:db8::1", ["1.1.1.1"], "2001:db8::1"),
    ])
    func theClientIsTheLastAddressThatIsNoTrustedProxy(peer: String, headers: [String], client: String) throws {
        let origin = try #require(Self.proxies).origin(
            peer: IPAddress(peer), forwardedFor: headers, forwardedProto: nil, host: nil)

        #expect(origin == RequestOrigin(client: IPAddress(client), baseURL: nil))
    }

    private static let schemes: [(String, String?, String?, String?)] = [
        ("10.0.0.1", "https", "sms.example.com", "https://sms.example.com"),
        ("10.0.0.1", "HTTP", "sms.example.com:8080", "http://sms.example.com:8080"),
        ("10.0.0.1", "http, https", "sms.example.com:443", "https://sms.example.com"),
        ("10.0.0.1", "ftp", "sms.example.com", nil), ("10.0.0.1", nil, "sms.example.com", nil),
        ("10.0.0.1", "https", nil, nil), ("10.0.0.1", "https", "sms.example.com/a", nil),
        ("10.0.0.1", "https", "a@sms.example.com", nil), ("203.0.113.7", "https", "sms.example.com", nil),
    ]

    @Test(arguments: schemes)
    func theSchemeIsBelievedFromATrustedProxy(peer: String, proto: String?, host: String?, url: String?) throws {
        let origin = try #require(Self.proxies).origin(
            peer: IPAddress(peer), forwardedFor: [], forwardedProto: proto, host: host)

        #expect(origin.baseURL == url)
    }

    private static let servers: [([String: String], String, String?)] = [
        (["TRUSTED_PROXIES": "127.0.0.0/8"], "203.0.113.7", "https://sms.example.com"),
        (["TRUSTED_PROXIES": "10.0.0.0/8"], "127.0.0.1", nil), ([:], "127.0.0.1", nil),
        (["TRUSTED_PROXIES": "127.0.0.0/8", "APP_URL": "https://a.example"], "203.0.113.7", "https://a.example"),
    ]

    @Test(arguments: servers)
    func theServerBelievesItsTrustedProxiesOnly(settings: [String: String], client: String, url: String?) async throws {
        try await withServer(settings) { server in
            let phone = try await server.makeAccount().makePhone()
            let sms: JSON = [
                "to": .string(phone.number), "from": "+18005550100", "content": "Look",
                "attachments": [["name": "a.jpg", "content_type": "image/jpeg", "content": "AQID"]],
            ]

            let answer = try await phone.client.send(
                "POST", "/v1/messages/receive", sms,
                headers: [
                    ("X-Forwarded-For", "1.1.1.1, 203.0.113.7"), ("X-Forwarded-Proto", "https"),
                    ("Host", "sms.example.com"),
                ])

            let attachment = answer.data["attachments"][0].string
            #expect(attachment.hasPrefix((url ?? server.baseURL) + "/v1/attachments/"), "\(attachment)")
            let line = server.log.lines.last { $0.message == "request" && $0.metadata["method"] == "POST" }
            #expect(line?.metadata["client"] == client)
        }
    }
}

/// Proxies that the operator forgot to list.
@Suite(.timeLimit(.minutes(15))) struct UnlistedProxiesTests {
    @Test func aProxyThatIsNotTrustedIsLoggedOnceAndNoted() async throws {
        try await withServer { server in
            for _ in 0..<3 {
                _ = try await server.client.send("GET", "/v1/users/me", headers: [("X-Forwarded-For", "203.0.113.7")])
            }

            let warnings = server.log.lines.filter { $0.level == .warning && $0.message.contains("TRUSTED_PROXIES") }
            #expect(warnings.map { $0.metadata["proxy"] } == ["127.0.0.1"])
            let noted = try await server.store.read { tx in
                (
                    try UnlistedProxies.list(besides: TrustedProxies(networks: []), in: tx),
                    try UnlistedProxies.list(besides: TrustedProxies(networks: [Network("127.0.0.0/8")]), in: tx)
                )
            }
            #expect(noted.0 == ["127.0.0.1"])
            #expect(noted.1 == [])
        }
    }

    @Test func aTrustedProxyIsNotLogged() async throws {
        try await withServer(["TRUSTED_PROXIES": "127.0.0.1"]) { server in
            _ = try await server.client.send("GET", "/v1/users/me", headers: [("X-Forwarded-For", "203.0.113.7")])

            #expect(!server.log.lines.contains { $0.level == .warning })
        }
    }
}
