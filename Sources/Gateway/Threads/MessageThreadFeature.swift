import Storage

/// Threads: the messages with one contact.
struct MessageThreadFeature: Feature {
    static let migrations = MessageThreadMigrations.all
    let store: any Store

    func add(to routes: APIRoutes) {
        MessageThreadRoutes(store: store).add(to: routes.users)
    }
}
