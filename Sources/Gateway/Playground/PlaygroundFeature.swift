import Delivery
import Storage

/// A receiver on the server itself, for those who have none yet: it keeps the last requests to it, and judges them.
package struct PlaygroundFeature: Feature {
    static let migrations = PlaygroundMigrations.all
    /// What can be done with it.
    package let operations: PlaygroundOperations

    /// - Parameters:
    ///   - ground: What all features stand on.
    ///   - receiver: Where the requests arrive.
    init(_ ground: Ground, receiver: OwnReceiver) {
        operations = PlaygroundOperations(
            store: ground.store, endpoints: ground.endpoints, receiver: receiver, clock: ground.clock)
    }

    func add(to routes: APIRoutes) {
        PlaygroundRoutes(operations: operations).add(to: routes)
    }

    var pruners: [Upkeep.Pruner] { [{ try PlaygroundQueries.prune(before: $0, in: $1) }] }
}

enum PlaygroundMigrations {
    // The token is no secret of the account: it lets in what is looked at and causes nothing.
    static let all: [Migration] = [
        Migration(
            "playground-1",
            [
                """
                CREATE TABLE playground (
                    user_id \(.text) PRIMARY KEY,
                    token \(.text) NOT NULL,
                    last_number \(.int64) NOT NULL,
                    created_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE UNIQUE INDEX playground_token ON playground (token)",
                """
                CREATE TABLE playground_request (
                    user_id \(.text) NOT NULL,
                    number \(.int64) NOT NULL,
                    received_at \(.int64) NOT NULL,
                    method \(.text) NOT NULL,
                    headers \(.text) NOT NULL,
                    body \(.blob) NOT NULL,
                    size \(.int64) NOT NULL,
                    signature \(.text) NOT NULL,
                    signature_problem \(.text),
                    event_problem \(.text),
                    event_type \(.text),
                    event_id \(.text),
                    PRIMARY KEY (user_id, number)
                ) \(.strict)
                """,
                "CREATE INDEX playground_request_age ON playground_request (received_at, user_id, number)",
            ])
    ]
}
