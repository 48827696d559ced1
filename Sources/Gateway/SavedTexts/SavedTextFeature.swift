import Storage

/// Saved texts: what an account sends again and again.
package struct SavedTextFeature: Feature {
    static let migrations = SavedTextMigrations.all
    /// What can be done with saved texts.
    package let operations: SavedTextOperations

    init(_ ground: Ground) {
        operations = SavedTextOperations(store: ground.store, clock: ground.clock)
    }

    func add(to routes: APIRoutes) {
        SavedTextRoutes(operations: operations).add(to: routes.users)
    }
}
