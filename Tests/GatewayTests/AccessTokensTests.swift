import Delivery
import Foundation
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// OAuth with a service account; the openssl command makes the key and judges the signature.
@Suite(.onOneEngine) struct AccessTokensTests {
    private static func openssl(_ arguments: [String]) async throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let status = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        try #require(status == 0, "openssl \(arguments.joined(separator: " "))")
    }

    private static func decoded(_ part: Substring) -> Data? {
        let base64 = part.replacing("-", with: "+").replacing("_", with: "/")
        return Data(base64Encoded: base64 + String(repeating: "=", count: (4 - base64.count % 4) % 4))
    }

    @Test func aTokenIsAskedForOnceWithASignatureThatHolds() async throws {
        try await withTemporaryDirectory { folder in
            try await Self.openssl(
                ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", folder + "/key.pem"])
            try await Self.openssl(["pkey", "-in", folder + "/key.pem", "-pubout", "-out", folder + "/public.pem"])
            let granted = Array(#"{"access_token":"token-1","expires_in":3600,"token_type":"Bearer"}"#.utf8)
            try await WebhookReceiver.run { _, _ in
                .status(200, body: granted)
            } body: { google in
                let json: JSON = [
                    "project_id": "my-project", "client_email": "push@my-project.example",
                    "private_key": .string(try String(contentsOfFile: folder + "/key.pem", encoding: .utf8)),
                    "token_uri": .string(google.url("/token")),
                ]
                let path = folder + "/account.json"
                try JSONEncoder().encode(json).write(to: URL(filePath: path))
                let account = try #require(try ServiceAccount(jsonOrPath: path))
                let clock = ManualClock()
                let resolver = try SystemResolver()
                defer { resolver.shutdown() }
                let sender = try HTTPSender(resolver: resolver, policy: .operators)
                let tokens = try AccessTokens(
                    from: account.tokenURI, clock: clock, sender: sender, form: try await account.tokenForm())

                async let first = tokens.current()
                async let second = tokens.current()
                #expect(try await [first, second] == ["token-1", "token-1"])
                #expect(google.requests.count == 1)
                clock.advance(by: .seconds(3_539))
                _ = try await tokens.current()
                #expect(google.requests.count == 1)
                clock.advance(by: .seconds(2))
                _ = try await tokens.current()
                #expect(google.requests.count == 2)
                await tokens.forget()
                _ = try await tokens.current()
                #expect(google.requests.count == 3)

                let form = google.requests[0].text
                #expect(form.hasPrefix("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="))
                let parts = try #require(form.split(separator: "=").last).split(separator: ".")
                let claims = try JSONDecoder().decode(JSON.self, from: try #require(Self.decoded(parts[1])))
                #expect(claims["iss"] == "push@my-project.example")
                #expect(claims["aud"].string == google.url("/token"))
                #expect(claims["scope"] == "https://www.googleapis.com/auth/firebase.messaging")
                try Data("\(parts[0]).\(parts[1])".utf8).write(to: URL(filePath: folder + "/signed"))
                try #require(Self.decoded(parts[2])).write(to: URL(filePath: folder + "/signature"))
                try await Self.openssl(
                    ["dgst", "-sha256", "-verify", folder + "/public.pem", "-signature", folder + "/signature"]
                        + [folder + "/signed"])
            }
        }
    }

    /// Tokens that `google` is asked for by `body`.
    private static func withTokens(
        answering answer: @escaping @Sendable () -> WebhookReceiver.Answer, clock: ManualClock = ManualClock(),
        _ body: (AccessTokens, WebhookReceiver) async throws -> Void
    ) async throws {
        try await WebhookReceiver.run { _, _ in
            answer()
        } body: { google in
            let resolver = try SystemResolver()
            defer { resolver.shutdown() }
            let sender = try HTTPSender(resolver: resolver, policy: .operators)
            try await body(
                try AccessTokens(from: google.url("/token"), clock: clock, sender: sender) { _ in "form" }, google)
        }
    }

    @Test(
        arguments: [
            ("3600", 3_539), ("3600.9", 3_539), (#""3600""#, 3_539), (#""3600.5""#, 3_539), (nil, 239), ("null", 239),
            (#""soon""#, 239), ("[]", 239), ("1e300", 86_339), (#""nan""#, 239), (#""inf""#, 239),
        ] as [(String?, Int)])
    func howLongATokenHoldsIsReadAsItIsWritten(written: String?, seconds: Int) async throws {
        let member = written.map { #","expires_in":\#($0)"# } ?? ""
        let granted = Array(#"{"access_token":"token-1"\#(member)}"#.utf8)
        let clock = ManualClock()
        try await Self.withTokens(answering: { .status(200, body: granted) }, clock: clock) { tokens, google in
            #expect(try await tokens.current() == "token-1")

            clock.advance(by: .seconds(seconds))
            _ = try await tokens.current()
            #expect(google.requests.count == 1)
            clock.advance(by: .seconds(2))
            _ = try await tokens.current()
            #expect(google.requests.count == 2)
        }
    }

    @Test(arguments: [
        (200, #"{"access_token":["secret-1"],"expires_in":3600}"#, " with what is no token"),
        (200, #"{"access_token":"secret-1\r\nHost: x","expires_in":3600}"#, " with what is no token"),
        (200, #"{"access_token":"","id_token":"secret-1"}"#, " with what is no token"),
        (200, "access_token=secret-1&expires_in=3600", " with what is no token"),
        (201, #"{"access_token":"secret-1","expires_in":3600}"#, ""),
        (400, "assertion=secret-1", ""),
        (
            400, #"{"error":"invalid_grant","error_description":"Invalid JWT Signature.","assertion":"secret-1"}"#,
            ": invalid_grant, Invalid JWT Signature."
        ), (401, #"{"error":"invalid_client"}"#, ": invalid_client"),
        (403, #"{"error":{"message":"secret-1"}}"#, ""),
    ])
    func whatIsSaidOfARefusedTokenHoldsNoSecret(status: Int, body: String, words: String) async throws {
        let answer = Array(body.utf8)
        try await Self.withTokens(answering: { .status(status, body: answer) }) { tokens, google in
            let error = await #expect(throws: AccessTokens.Refused.self) { try await tokens.current() }

            #expect(error?.description == "\(google.url("/token")) answered \(status)\(words)")
            #expect(error?.isFinal == (status >= 400))
        }
    }

    @Test(arguments: [
        "", "{}", "/nowhere/account.json", #"{"project_id":"p","client_email":"e","private_key":"none"}"#,
    ])
    func whatIsNoServiceAccountIsRefused(text: String) {
        #expect((try? ServiceAccount(jsonOrPath: text)) == nil)
    }

    /// Comparing 200,000 marks in a row takes minutes, and a decoder compares names.
    @Test(.timeLimit(.minutes(3))) func anAnswerWithLongRunsOfMarksIsRead() {
        let marks = String(repeating: "\u{301}\u{323}", count: 100_000)
        let body = #"{"\#(marks)":1,"x\#(marks)":1,"error":{"\#(marks)":1,"y\#(marks)":1,"message":"a\#(marks)"}}"#

        let answer = FCMClient.answer(status: 403, body: Data(body.utf8), retryAfter: nil)

        guard case .unauthorized(let text) = answer else {
            Issue.record("\(answer)")
            return
        }
        // By scalars: as characters they are one with the marks.
        #expect(text.unicodeScalars.starts(with: "Firebase answered 403: a".unicodeScalars))
        #expect(text.unicodeScalars.count < 250)
    }

    @Test(arguments: [
        (200, "", PushAnswer.taken), (404, "", .tokenIsDead("Firebase answered 404")),
        (403, "no", .unauthorized("Firebase answered 403")), (401, "", .unauthorized("Firebase answered 401")),
        (503, "", .failed("Firebase answered 503", after: .seconds(7))), (413, "", .refused("Firebase answered 413")),
    ])
    func everyStatusHasItsMeaning(status: Int, body: String, answer: PushAnswer) {
        #expect(FCMClient.answer(status: status, body: Data(body.utf8), retryAfter: .seconds(7)) == answer)
    }
}
