/// Turns a host name into addresses.
///
/// A seam, so that tests can answer with addresses that change between save and dial.
package protocol AddressResolver: Sendable {
    /// Gives the addresses of a canonical host name.
    ///
    /// Implementations return or throw within the limit, whatever the system does, and end at once when the calling
    /// task is cancelled. The sender's deadline rests on that.
    ///
    /// - Parameters:
    ///   - host: in lower case, without a dot at the end.
    ///   - caller: whose share of the lookups this one takes, where one is needed.
    ///   - limit: the time for it.
    /// - Returns: one address or more, in the order in which they should be tried; a hundred at most.
    /// - Throws: ``ResolutionError``.
    func resolve(
        _ host: String, for caller: LookupCaller, within limit: Duration
    ) async throws(ResolutionError) -> [IPAddress]

    /// What ``resolve(_:for:within:)`` would do for a delivery.
    func knowledge(of host: String) -> NameKnowledge

    /// Says that the policy refuses what the name has now, so that it is looked up again within seconds.
    func distrust(_ host: String)
}

extension AddressResolver {
    /// A resolver without a memory looks up when it is asked.
    package func knowledge(of host: String) -> NameKnowledge { .addresses }

    /// A resolver without a memory has nothing to forget.
    package func distrust(_ host: String) {}
}

/// What is known of a name before anybody looks it up.
package enum NameKnowledge: Hashable, Sendable {
    /// Nothing: it must be looked up.
    case nothing
    /// It has addresses.
    case addresses
    /// Its last lookup failed, and it is too early for another one.
    case failure
}

/// Why a name has no addresses.
package enum ResolutionError: Error, Hashable, CustomStringConvertible {
    /// The name does not exist or has no addresses.
    case notFound
    /// The name servers failed; the text is c-ares's.
    case failed(String)
    /// No answer within the limit.
    case timedOut
    /// No lookup was made: too many are under way, no socket could be opened, or the resolver is shut down.
    case unavailable
    /// The calling task was cancelled.
    case cancelled

    /// One clause for the user, without a full stop.
    package var description: String {
        switch self {
        case .notFound: "the name does not exist or has no address"
        case .failed(let reason): "the lookup failed: \(reason)"
        case .timedOut: "the name servers did not answer in time"
        case .unavailable: "too many names are being looked up"
        case .cancelled: "the lookup was cancelled"
        }
    }
}
