import Timestamps

extension PostgresStore {
    /// How long a transaction may take, and each part of it.
    ///
    /// The server is told limits of its own, which end what is slow while the server is alive and give its locks back. Ours
    /// are a little longer and hold when it is silent:
    ///
    /// | | server: statement | server: lock | one answer | waiting for a connection | all of it |
    /// |---|---|---|---|---|---|
    /// | read | 5 s | | 6 s | 8 s | 8 s |
    /// | write of a client | 6 s | 5 s | 7 s | 8 s | 8 s |
    /// | write of the engine | 10 s | 5 s | 11 s | 8 s | 12 s |
    /// | write of maintenance | 10 s | 5 s | 11 s | 8 s | as long as it goes on |
    ///
    /// `BEGIN` has 3 s, so that a connection that has gone silent while it was idle costs a client a wait and not the answer.
    struct Limits: Sendable {
        /// Whether the transaction may write.
        let mayWrite: Bool
        /// For the answer to one call, from when it is sent.
        let answer: Duration
        /// For a thread and a connection.
        let queue: Duration
        /// From the call to the answer; nil for what may have very many statements.
        let total: Duration?
        private let start: String

        /// For what a live server answers at once.
        static let shortAnswer = Duration.seconds(3)

        static let read = Limits(
            mayWrite: false, answer: .seconds(6), queue: .seconds(8), total: .seconds(8),
            start: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '5s'")
        static let request = Limits(
            mayWrite: true, answer: .seconds(7), queue: .seconds(8), total: .seconds(8), start: writing(statement: 6))
        static let engine = Limits(
            mayWrite: true, answer: .seconds(11), queue: .seconds(8), total: .seconds(12),
            start: writing(statement: 10))
        static let maintenance = Limits(
            mayWrite: true, answer: .seconds(11), queue: .seconds(8), total: nil, start: writing(statement: 10))

        /// Begins a transaction.
        ///
        /// - Throws: ``PostgresFailure``.
        func begin(on connection: PostgresConnection) throws(PostgresFailure) {
            let patience = connection.patience
            // A pooler lets a transaction wait until it has a connection for it.
            if connection.servers.pooler == .none { connection.patience.answer = min(Self.shortAnswer, answer) }
            try connection.execute(start)
            connection.patience = patience
        }

        /// The isolation is named, for the database or the user may have another one as default.
        private static func writing(statement: Int) -> String {
            """
            BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = '\(statement)s'; \
            SET LOCAL lock_timeout = '5s'; SET LOCAL idle_in_transaction_session_timeout = '15s'
            """
        }
    }
}
