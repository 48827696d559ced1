import HTTPSMSWebhooks
import Wire

/// One thing that a receiver of webhooks has to do right. The raw value is its name on the command line.
package enum ConformanceCheck: String, CaseIterable, Sendable {
    case received = "message.phone.received"
    case sent = "message.phone.sent"
    case delivered = "message.phone.delivered"
    case failed = "message.send.failed"
    case expired = "message.send.expired"
    case callMissed = "message.call.missed"
    case offline = "phone.heartbeat.offline"
    case online = "phone.heartbeat.online"
    case unicode
    case large = "large-content"
    case encrypted
    case unknownType = "unknown-type"
    case keyRotation = "key-rotation"
    case duplicate
    case afterForgery = "genuine-after-forged"
    case prompt = "answers-within-1s"
    case burst = "burst-of-50"
    case tamperedBody = "tampered-body"
    case signatureOfAnotherKey = "signature-wrong-key"
    case signatureMissing = "signature-missing"
    case timestampStale = "timestamp-stale"
    case tokenMissing = "token-missing"
    case tokenOfAnotherKey = "token-wrong-key"
    case tokenAlgNone = "token-alg-none"
    case tokenRS256 = "token-alg-rs256"
    case tokenHS512 = "token-alg-hs512"
    case tokenExpired = "token-expired"
    case tokenAudience = "token-wrong-audience"
    case invalidJSON = "invalid-json"

    /// Whether the receiver has to refuse what it is sent; else it has to accept it.
    package var isRefusal: Bool {
        switch self {
        case .received, .sent, .delivered, .failed, .expired, .callMissed, .offline, .online, .unicode, .large,
            .encrypted, .unknownType, .keyRotation, .duplicate, .afterForgery, .prompt, .burst:
            false
        case .tamperedBody, .signatureOfAnotherKey, .signatureMissing, .timestampStale, .tokenMissing,
            .tokenOfAnotherKey, .tokenAlgNone, .tokenRS256, .tokenHS512, .tokenExpired, .tokenAudience, .invalidJSON:
            true
        }
    }

    /// Reads names separated by commas; `accepted` and `refused` stand for all of a kind. In the order of the enum.
    ///
    /// - Throws: ``ClientFailure`` with the names that there are.
    package static func parse(_ text: String) throws(ClientFailure) -> [ConformanceCheck] {
        var chosen: Set<ConformanceCheck> = []
        for name in text.split(separator: ",").map(\.trimmed) where !name.isEmpty {
            switch name {
            case "all": chosen.formUnion(allCases)
            case "accepted": chosen.formUnion(allCases.filter { !$0.isRefusal })
            case "refused": chosen.formUnion(allCases.filter(\.isRefusal))
            default:
                guard let check = ConformanceCheck(rawValue: name) else {
                    throw ClientFailure(
                        .usage,
                        """
                        --checks: there is no check '\(name)'. There are: accepted, refused, \
                        \(allCases.map(\.rawValue).joined(separator: ", "))
                        """)
                }
                chosen.insert(check)
            }
        }
        guard !chosen.isEmpty else { throw ClientFailure(.usage, "--checks names no check") }
        return allCases.filter(chosen.contains)
    }
}
