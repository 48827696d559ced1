/// Turns a host name into addresses.
///
/// A seam, so that tests can answer with addresses that change between save and dial.
package protocol AddressResolver: Sendable {
    /// Looks up a canonical host name.
    ///
    /// Implementations return or throw within the limit, whatever the system does, and end at once when the calling
    /// task is cancelled. The sender's deadline rests on that.
    ///
    /// - Returns: one address or more, in the order in which they should be tried.
    /// - Throws: ``ResolutionError``.
    func resolve(_ host: String, within limit: Duration) async throws(ResolutionError) -> [IPAddress]
}

/// Why a name has no addresses.
package enum ResolutionError: Error, Hashable, CustomStringConvertible {
    /// The name does not exist or has no addresses.
    case notFound
    /// The name servers failed; the text is the system's.
    case failed(String)
    /// No answer within the limit.
    case timedOut
    /// Too many lookups are under way, or the resolver is shut down.
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
