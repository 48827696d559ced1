/// What a resolver did since the process started, and what it is at.
package struct LookupCounts: Sendable, Hashable {
    /// Lookups that ended with an address.
    package var answered = 0
    /// Lookups of names that do not exist or have no address.
    package var notFound = 0
    /// Lookups that name servers refused or could not answer.
    package var failed = 0
    /// Lookups that had no answer in time.
    package var timedOut = 0
    /// Lookups that were not made for want of a place or a socket.
    package var refused = 0
    /// Lookups that run now.
    package var running = 0
    /// Names of which something is known.
    package var known = 0
    /// Names that are not looked up for now, as their last lookup failed.
    package var failing = 0

    /// Counts what came of a lookup.
    mutating func count(_ answer: Result<[IPAddress], ResolutionError>) {
        switch answer {
        case .success: answered += 1
        case .failure(.notFound): notFound += 1
        case .failure(.timedOut): timedOut += 1
        case .failure(.failed): failed += 1
        case .failure(.unavailable), .failure(.cancelled): refused += 1
        }
    }
}
