import ServiceLifecycle
import Storage

/// Has the store let go of everybody in time once the server must end, whatever the database does.
///
/// It ends first, so that what ends after it waits for a database that hangs no longer than until then.
struct StoreDeadline: Service {
    let store: any Store

    /// 5 s are for deliveries under way, and what is left of the 9 s for the rest of the way out.
    private static let limit: Duration = .milliseconds(7_500)

    func run() async throws {
        // Cancelled or shutting down: both end the waiting.
        try? await gracefulShutdown()
        store.end(within: Self.limit)
    }
}
