import Storage

extension Store {
    /// Writes for an account, in its turn and only while the account is there.
    ///
    /// A request whose key was looked at before its account was deleted, and whose body ended long after, must leave nothing
    /// behind: nobody would erase it. What begins with a row that goes with the account, such as its phone or its webhook,
    /// finds none, and needs only `write(.user(id))`; everything else comes this way. It costs a look-up by primary key.
    ///
    /// With PostgreSQL the deletion may commit between the look-up and this commit. A write takes some seconds at most, and
    /// the erasure looks once more after a minute.
    ///
    /// - Throws: ``Refusal`` `.unauthenticated` when the account is gone, and what `write` throws.
    func write<T: Sendable>(
        for userID: UserID, _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T {
        try await write(.user(userID)) { tx in
            guard try UserQueries.exists(userID, in: tx) else { throw Refusal.unauthenticated }
            return try body(tx)
        }
    }
}
