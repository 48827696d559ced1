import Storage

/// Threads: the messages with one contact, who looks after them, and notes about them.
package struct MessageThreadFeature: Feature {
    static let migrations = MessageThreadMigrations.all + ThreadWorkMigrations.all + ThreadErasureQueries.migrations
    /// What can be done with threads.
    package let operations: MessageThreadOperations

    init(_ ground: Ground) {
        operations = MessageThreadOperations(store: ground.store)
    }

    func add(to routes: APIRoutes) {
        MessageThreadRoutes(operations: operations).add(to: routes.users)
    }
}
