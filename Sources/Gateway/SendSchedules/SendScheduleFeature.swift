import Storage

/// Send schedules: at which hours of the week a phone sends.
package struct SendScheduleFeature: Feature {
    static let migrations = SendScheduleMigrations.all
    /// What can be done with schedules.
    package let operations: SendScheduleOperations

    init(_ ground: Ground) {
        operations = SendScheduleOperations(store: ground.store, quotas: ground.quotas, clock: ground.clock)
    }

    func add(to routes: APIRoutes) {
        SendScheduleRoutes(operations: operations).add(to: routes.users)
    }
}
