import Delivery
import HTTPSMSWebhooks
import Storage
import Timestamps

/// What a receiver that follows the documentation makes of a request.
package struct PlaygroundVerdict: Sendable, Hashable {
    /// What its signatures are.
    package enum Signature: String, Sendable, SQLEnum {
        /// Token and signature are those of the webhook.
        case valid
        /// At least one of them is not.
        case invalid
        /// It has none.
        case missing
    }

    /// What its signatures are.
    package let signature: Signature
    /// Which check the signature failed; nil when it is valid.
    package let signatureProblem: String?
    /// Why the body is no event; nil when it is one.
    package let eventProblem: String?
    /// The type of the event; nil when the body is no event.
    package let eventType: String?
    /// Its id.
    let eventID: String?

    init(
        signature: Signature, signatureProblem: String?, eventProblem: String?, eventType: String?, eventID: String?
    ) {
        self.signature = signature
        self.signatureProblem = signatureProblem
        self.eventProblem = eventProblem
        self.eventType = eventType
        self.eventID = eventID
    }

    /// Judges a request by the library that receivers use.
    ///
    /// - Parameters:
    ///   - body: Its exact bytes.
    ///   - event: What was read of them.
    ///   - keys: The signing keys of the account's webhooks that lead to `url`.
    ///   - url: Where it arrived.
    ///   - now: The present.
    ///   - header: The value of a header.
    init(
        of body: [UInt8], event: Result<CloudEvent, any Error>, keys: [String], url: String, now: Timestamp,
        header: (String) -> String?
    ) async {
        var problems: [String] = []
        let signature = header("webhook-signature")
        let token = header("authorization").flatMap { $0.lowercased().hasPrefix("bearer ") ? $0 : nil }
        let verifier = WebhookVerifier(signingKeys: keys, audience: url)
        if let signature {
            do {
                try verifier.verify(
                    id: header("webhook-id"), timestamp: header("webhook-timestamp"), signature: signature, body: body,
                    now: now)
            } catch {
                problems.append("the signature of the body: \(Self.words(error))")
            }
        }
        if let token {
            do {
                _ = try await verifier.verify(authorization: token, now: now)
            } catch {
                problems.append("the token: \(Self.words(error))")
            }
        }
        let isSigned = signature != nil || token != nil
        let problem = isSigned ? problems.joined(separator: "; ") : "it has neither a token nor a signature of the body"
        var fault: String?
        if case .failure(let error) = event { fault = "\(error)" }
        self.init(
            signature: !isSigned ? .missing : problems.isEmpty ? .valid : .invalid,
            signatureProblem: problem.isEmpty ? nil : problem, eventProblem: fault,
            eventType: (try? event.get())?.payload.type, eventID: (try? event.get())?.id)
    }

    private static func words(_ error: WebhookVerificationError) -> String {
        switch error {
        case .noSigningKey: "no webhook with a signing key has this URL"
        case .missingAuthorization: "there is none"
        case .notABearerToken, .malformedToken: "it is no JWT with the claims that it must have"
        case .unsupportedAlgorithm: "its algorithm is not HS256"
        case .wrongSignature: "it was made with another key"
        case .expired: "its time is over"
        case .notYetValid: "its time has not come"
        case .wrongIssuer: "its issuer is another"
        case .wrongAudience: "it is for another URL"
        case .malformedSignatureHeaders: "webhook-id, webhook-timestamp or webhook-signature are not as they must be"
        case .timestampOutOfTolerance: "webhook-timestamp is too far from the present"
        }
    }
}
