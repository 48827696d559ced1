import Storage

/// Phones: the numbers that an account sends from and receives at.
package struct PhoneFeature: Feature {
    static let migrations = PhoneMigrations.all
    /// What can be done with them.
    package let operations: PhoneOperations

    /// Makes them on the ground.
    package init(_ ground: Ground) {
        operations = PhoneOperations(
            store: ground.store, endpoints: ground.endpoints, identities: ground.identities, uses: ground.uses,
            quotas: ground.quotas, clock: ground.clock, minimumExpiration: ground.settings.minimumExpiration,
            pushes: ground.settings.pushes)
    }

    func add(to routes: APIRoutes) {
        PhoneRoutes(store: operations.store, operations: operations).add(users: routes.users, phones: routes.phones)
    }
}
