import ServiceLifecycle
import Timestamps

/// Does something at once and after each pause, until graceful shutdown or cancellation, which also end a pause.
///
/// - Parameters:
///   - pause: From the end of one time to the beginning of the next.
///   - clock: Measures the pause.
///   - state: What the first time finds, and each leaves to the next.
///   - body: Does it. It returns soon after its task is cancelled.
package func periodically<State: Sendable>(
    every pause: Duration, by clock: any WallClock, from state: State,
    _ body: @escaping @Sendable (inout State) async -> Void
) async {
    await cancelWhenGracefulShutdown {
        var state = state
        while !Task.isCancelled {
            await body(&state)
            try? await clock.sleep(for: pause)  // Cancelled: the loop ends.
        }
    }
}

/// The same for what remembers nothing from one time to the next.
///
/// - Parameters:
///   - pause: From the end of one time to the beginning of the next.
///   - clock: Measures the pause.
///   - body: Does it. It returns soon after its task is cancelled.
package func periodically(
    every pause: Duration, by clock: any WallClock, _ body: @escaping @Sendable () async -> Void
) async {
    await periodically(every: pause, by: clock, from: ()) { _ in await body() }
}
