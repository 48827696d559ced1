import Storage

/// Contacts: whom an account knows by name.
struct ContactFeature: Feature {
    static let migrations = ContactMigrations.all
    let operations: ContactOperations

    init(_ ground: Ground) {
        operations = ContactOperations(store: ground.store, clock: ground.clock)
    }

    func add(to routes: APIRoutes) {
        ContactRoutes(operations: operations).add(to: routes.users)
    }
}
