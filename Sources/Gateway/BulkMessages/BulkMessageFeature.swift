import ServiceLifecycle
import Storage

/// Bulk messages: a file of many SMS.
package struct BulkMessageFeature: Feature {
    static let migrations = BulkMessageMigrations.all
    /// What can be done with files of messages.
    package let operations: BulkMessageOperations
    private let ground: Ground

    /// - Parameters:
    ///   - ground: What all features stand on.
    ///   - users: Whose time zone a file's times are in.
    ///   - uploads: Where files are read, accounts in turn.
    init(_ ground: Ground, users: UserOperations, uploads: UploadQueue) {
        self.ground = ground
        operations = BulkMessageOperations(
            store: ground.store, users: users, quotas: ground.quotas, clock: ground.clock, uploads: uploads)
    }

    var services: [any Service] {
        [ground.sweep("bulk", on: .messages) { tx in try BulkMessageOperations.start(in: tx) }]
    }

    func add(to routes: APIRoutes) {
        BulkMessageRoutes(operations: operations).add(to: routes.forms(limit: BulkMessageRoutes.bodyLimit))
    }
}
