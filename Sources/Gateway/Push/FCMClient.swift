import Delivery
import Foundation
import JSON
import Storage
import Timestamps
import Wire

/// Where pushes go, and who sends them.
package struct PushConfiguration: Sendable {
    /// Whose project it is; nil with an endpoint of the operator's own.
    let account: ServiceAccount?
    /// Stands for Firebase, without OAuth; nil means Firebase itself.
    let endpoint: String?
    /// How long one push may take, the lookup of the name included; less than the lease of a push (30 s).
    let deadline: Duration

    /// Nil when neither is there.
    package init?(account: ServiceAccount?, endpoint: String?, deadline: Duration = .seconds(10)) {
        if account == nil, endpoint == nil { return nil }
        self.account = account
        self.endpoint = endpoint
        self.deadline = deadline
    }
}

/// A client of Firebase Cloud Messaging, HTTP v1. Firebase's name is looked up as those of webhooks are: while name servers
/// are silent its last good addresses are used, and no thread waits.
struct FCMClient: PushTransport {
    private let url: CallbackURL
    private let tokens: AccessTokens?
    private let sender: any WebhookSender
    private let deadline: Duration

    /// - Parameters:
    ///   - configuration: Where pushes go, and who sends them.
    ///   - clock: What access tokens expire by.
    ///   - sender: Sends pushes and asks for access tokens; it must reach what the operator names.
    /// - Throws: `CallbackURLError` when the endpoint is none, and what the account's key is not good for.
    init(_ configuration: PushConfiguration, clock: any WallClock, sender: any WebhookSender) async throws {
        self.sender = sender
        deadline = configuration.deadline
        // The name that httpSMS uses where there is no Firebase.
        let project = configuration.account?.projectID ?? "httpsms-test"
        let base = configuration.endpoint ?? "https://fcm.googleapis.com"
        url = try CallbackURL("\(base)/v1/projects/\(project)/messages:send")
        tokens =
            if configuration.endpoint == nil, let account = configuration.account {
                try AccessTokens(
                    from: account.tokenURI, clock: clock, sender: sender, form: try await account.tokenForm())
            } else {
                nil
            }
    }

    func send(_ push: Push, to token: String) async -> PushAnswer {
        await send(Self.body(of: push, token: token))
    }

    /// The body of `messages:send`, with the app's own keys.
    private static func body(of push: Push, token: String) -> [UInt8] {
        var json = JSONWriter()
        json.object { o in
            o.object("message") { o in
                o.field("token", token)
                o.object("data") { o in push.addData(to: &o) }
                o.object("android") { o in
                    o.field("priority", "high")
                    o.field("ttl", "\(push.lifetime.components.seconds)s")
                }
            }
        }
        return json.bytes
    }

    /// Sends one push; takes its deadline at most, and another 10 s where it needs a new access token.
    func send(_ body: [UInt8]) async -> PushAnswer {
        do {
            var headers = [(name: "Content-Type", value: "application/json")]
            if let tokens { headers.append((name: "Authorization", value: "Bearer \(try await tokens.current())")) }
            let result = await sender.send(
                WebhookRequest(poolKey: "push", url: url, headers: headers, body: body, caller: .operated),
                within: deadline)
            switch result.outcome {
            case .failure(let failure): return .failed("Firebase cannot be reached: \(failure)", after: nil)
            case .response(let status):
                let answer = Self.answer(
                    status: status, body: Data(result.responseBody),
                    retryAfter: result.responseHeader("Retry-After").flatMap { Int($0) }.map { .seconds($0) })
                if case .unauthorized = answer, status == 401 { await tokens?.forget() }
                return answer
            }
        } catch let error as AccessTokens.Refused {
            return error.isFinal ? .unauthorized("\(error)") : .failed("\(error)", after: nil)
        } catch {
            return .failed("Firebase cannot be reached: \(error)", after: nil)
        }
    }

    /// What a response means.
    ///
    /// | response | means |
    /// |---|---|
    /// | 2xx | taken |
    /// | 404, or error code UNREGISTERED | the token is dead |
    /// | error code SENDER_ID_MISMATCH | the token is another project's |
    /// | 401, 403 | the account is wrong, which somebody may set right |
    /// | 408, 429, 5xx | it may pass: a quota ends |
    /// | any other | refused |
    static func answer(status: Int, body: Data, retryAfter: Duration?) -> PushAnswer {
        // A body that is not Firebase's JSON carries no message; the status is enough.
        let error = (try? JSONDecoder().decode(Failure.self, fromAnswer: Array(body)))?.error
        let text = "Firebase answered \(status)" + (error?.message.map { ": \($0.firstScalars(200))" } ?? "")
        let codes = (error?.details ?? []).compactMap(\.errorCode) + [error?.status].compactMap(\.self)
        switch status {
        case 200..<300: return .taken
        case 404: return .tokenIsDead(text)
        case _ where codes.contains("UNREGISTERED"): return .tokenIsDead(text)
        case _ where codes.contains("SENDER_ID_MISMATCH"): return .foreignToken(text)
        case 403 where error?.message?.lowercased() == "senderid mismatch": return .foreignToken(text)
        case 401, 403: return .unauthorized(text)
        case 408, 429, 500...: return .failed(text, after: retryAfter)
        default: return .refused(text)
        }
    }

    /// The error body of Google's APIs.
    private struct Failure: Decodable {
        let error: Details

        struct Details: Decodable {
            let message: String?
            let status: String?
            let details: [Detail]?
        }

        struct Detail: Decodable {
            let errorCode: String?
        }
    }
}
