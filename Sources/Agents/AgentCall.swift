import Synchronization

/// One call of a tool, which may be ended while it waits.
package final class AgentCall: Sendable {
    /// Why it is to end.
    package enum Ending: Sendable {
        /// The agent's program does not want the answer any more.
        case cancelled
        /// It asks nothing more, and may wait for the end.
        case inputEnded
    }

    private let state = Mutex<Ending?>(nil)

    /// Nothing ends it yet.
    package init() {}

    /// Why it is to end; nil while it may go on.
    package var ending: Ending? { state.withLock { $0 } }

    /// Ends what waits; the first reason counts.
    package func end(_ ending: Ending) { state.withLock { $0 = $0 ?? ending } }
}
