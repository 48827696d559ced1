/// What a read is for, which decides with whom it shares readers.
///
/// | lane | on SQLite | on PostgreSQL |
/// |---|---|---|
/// | engine | a reader of its own | the engine's connections |
/// | maintenance | a reader of its own | the connections of maintenance |
/// | request | two readers | a quarter of the connections of requests |
/// | account | three readers, two for each account | half of the connections of requests, all but one for each account |
package enum ReadLane: Sendable, Hashable {
    /// The delivery engine's looks at what is due: short, and never behind what anybody else reads.
    case engine
    /// Sweeps, clean-up, audits and metrics: perhaps seconds long, one at a time.
    case maintenance
    /// Look-ups that a request needs before its account is known: short, by a key.
    case request
    /// What the account with this id asks for. As slow as its user makes it, so only so many run and wait for each.
    case account(String)
}

extension Store {
    /// `read` in the lane of requests whose account is not known.
    package func read<T: Sendable>(
        _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T {
        try await read(.request, body)
    }
}
