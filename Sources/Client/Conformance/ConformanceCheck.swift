import HTTPSMSWebhooks
import Wire

/// One thing that a receiver of webhooks has to do right.
package enum ConformanceCheck: Sendable, Hashable, CaseIterable {
    /// It accepts the server's sample of an event.
    case event(EventType)
    /// It accepts what is genuine, though unlike the samples.
    case accepts(Genuine)
    /// It refuses what is not genuine.
    case refuses(Forgery)

    /// Requests that the server might make. The raw value is the name of the check.
    package enum Genuine: String, CaseIterable, Sendable {
        case unicode
        case large = "large-content"
        case encrypted
        case unknownType = "unknown-type"
        case keyRotation = "key-rotation"
        case duplicate
        case afterForgery = "genuine-after-forged"
        case prompt = "answers-within-1s"
        case burst = "burst-of-50"
    }

    /// Requests that the server never makes. The raw value is the name of the check.
    package enum Forgery: String, CaseIterable, Sendable {
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
    }

    /// All that there are, in the order in which they run.
    package static let allCases: [ConformanceCheck] =
        EventType.allCases.map(event) + Genuine.allCases.map(accepts) + Forgery.allCases.map(refuses)

    /// What the command line and the report call it.
    package var name: String {
        switch self {
        case .event(let type): type.rawValue
        case .accepts(let genuine): genuine.rawValue
        case .refuses(let forgery): forgery.rawValue
        }
    }

    /// Whether the receiver has to refuse what it is sent; else it has to accept it.
    package var isRefusal: Bool {
        if case .refuses = self { true } else { false }
    }

    /// Reads names separated by commas; `accepted` and `refused` stand for all of a kind. In the order of ``allCases``.
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
                guard let check = allCases.first(where: { $0.name == name }) else {
                    throw ClientFailure(
                        .usage,
                        """
                        --checks: there is no check '\(name)'. There are: accepted, refused, \
                        \(allCases.map(\.name).joined(separator: ", "))
                        """)
                }
                chosen.insert(check)
            }
        }
        guard !chosen.isEmpty else { throw ClientFailure(.usage, "--checks names no check") }
        return allCases.filter(chosen.contains)
    }
}
