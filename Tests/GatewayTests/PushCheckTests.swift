import Delivery
import Foundation
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// Whether Firebase takes pushes of this server, which `doctor` asks.
@Suite struct PushCheckTests {
    @Test(arguments: [
        (200, "{}", nil), (404, "", nil),
        (400, #"{"error":{"status":"INVALID_ARGUMENT","message":"The registration token is not valid"}}"#, nil),
        (401, "", "Firebase answered 401"),
        (
            403, #"{"error":{"message":"Firebase Cloud Messaging API has not been used in project 4711"}}"#,
            "Firebase answered 403: Firebase Cloud Messaging API has not been used in project 4711"
        ), (503, "", "Firebase answered 503"),
    ])
    func whatAnAnswerMeans(status: Int, body: String, trouble: String?) async throws {
        let answer = Array(body.utf8)
        try await WebhookReceiver.run { _, _ in
            .status(status, body: answer)
        } body: { firebase in
            let found = try await Self.trouble(endpoint: firebase.url(""))

            #expect(found == trouble)
            let asked = try #require(firebase.requests.first)
            #expect(firebase.requests.count == 1)
            #expect(asked.text == #"{"validate_only":true,"message":{"token":"httpsms-doctor"}}"#)
        }
    }

    @Test func whereNobodyAnswersThatIsSaid() async throws {
        let trouble = try await Self.trouble(endpoint: "http://127.0.0.1:1")

        #expect(trouble?.hasPrefix("Firebase cannot be reached: ") == true)
    }

    @Test func anAccountWhoseKeyIsNoneIsToldOf() async throws {
        let json =
            #"{"project_id":"p","client_email":"e","private_key":"-----BEGIN PRIVATE KEY-----","token_uri":"http://127.0.0.1:1"}"#
        let account = try #require(try ServiceAccount(jsonOrPath: json))
        let trouble = try await Self.trouble(account: account)

        #expect(trouble != nil)
    }

    private static func trouble(account: ServiceAccount? = nil, endpoint: String? = nil) async throws -> String? {
        let resolver = try SystemResolver()
        defer { resolver.shutdown() }
        let sender = try HTTPSender(resolver: resolver, policy: .operators)
        let push = try #require(PushConfiguration(account: account, endpoint: endpoint))
        return await push.trouble(askedBy: sender, clock: SystemClock())
    }
}
