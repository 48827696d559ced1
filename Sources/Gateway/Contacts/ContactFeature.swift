import Storage

/// Contacts: whom an account knows by name.
package struct ContactFeature: Feature {
    static let migrations = ContactMigrations.all
    /// What can be done with contacts.
    package let operations: ContactOperations

    init(_ ground: Ground) {
        operations = ContactOperations(store: ground.store, clock: ground.clock)
    }

    func add(to routes: APIRoutes) {
        ContactRoutes(operations: operations).add(to: routes.users)
    }
}
