import Storage

/// Saved texts: what an account sends again and again.
struct SavedTextFeature: Feature {
    static let migrations = SavedTextMigrations.all
    let operations: SavedTextOperations

    init(_ ground: Ground) {
        operations = SavedTextOperations(store: ground.store, clock: ground.clock)
    }

    func add(to routes: APIRoutes) {
        SavedTextRoutes(operations: operations).add(to: routes.users)
    }
}
