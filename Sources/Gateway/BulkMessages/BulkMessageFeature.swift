import ServiceLifecycle
import Storage

/// Bulk messages: a file of many SMS.
package struct BulkMessageFeature: Feature {
    static let migrations = BulkMessageMigrations.all
    /// What can be done with files of messages.
    package let operations: BulkMessageOperations
    private let callbacks: CallbackOperations
    private let ground: Ground

    /// - Parameters:
    ///   - ground: What all features stand on.
    ///   - users: Whose time zone a file's times are in.
    ///   - callbacks: Takes the callback URL of a file.
    ///   - uploads: Where files are read, accounts in turn.
    init(_ ground: Ground, users: UserOperations, callbacks: CallbackOperations, uploads: UploadQueue) {
        (self.ground, self.callbacks) = (ground, callbacks)
        operations = BulkMessageOperations(
            store: ground.store, users: users, quotas: ground.quotas, clock: ground.clock, uploads: uploads)
    }

    var services: [any Service] {
        [ground.sweep("bulk", on: .messages) { tx in try BulkMessageOperations.start(in: tx) }]
    }

    func add(to routes: APIRoutes) {
        BulkMessageRoutes(operations: operations, callbacks: callbacks)
            .add(to: routes.forms(limit: BulkMessageRoutes.bodyLimit))
    }
}
