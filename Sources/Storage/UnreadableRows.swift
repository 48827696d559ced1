import Logging
import Synchronization

/// Tells of rows that cannot be read and were passed over, each once, and counts them. Thread-safe.
///
/// A row may hold what no version wrote, put there by hand or by a disk. It must not keep its neighbours from being shown or
/// done, so lists leave it out, and sweeps pass it over.
package final class UnreadableRows: Sendable {
    private struct State {
        var told: Set<String> = []
        var logger: Logger?
        var count: (@Sendable () -> Void)?
    }

    private let state: Mutex<State>

    /// Tells nobody until ``tell(_:counting:)``.
    package init() {
        state = Mutex(State())
    }

    /// Tells `logger` of each row from now on, and calls `count` for it.
    package func tell(_ logger: Logger, counting count: @escaping @Sendable () -> Void) {
        state.withLock { state in
            state.logger = logger
            state.count = count
        }
    }

    /// Tells of the row `id` of `table`, which was passed over for `error`, once `tx` is durable.
    package func note(_ table: String, _ id: String, _ error: any Error, in tx: any Transaction) {
        tx.afterCommit { self.note(table, id, error) }
    }

    /// Tells of a row that a list left out. It is called by its id, if it has one.
    func note(_ row: Row, as type: Any.Type, _ error: any Error) {
        // A row without an id is one of its kind.
        note("\(type)", (try? row.find("id", as: String.self)) ?? "?", error)
    }

    private func note(_ table: String, _ wholeID: String, _ error: any Error) {
        let id = String(wholeID.prefix(64))
        let sink = state.withLock { state -> State? in
            guard state.told.count < Self.limit, state.told.insert("\(table) \(id)").inserted else { return nil }
            return state
        }
        guard let sink else { return }
        sink.count?()
        sink.logger?.error(
            "row passed over: it cannot be read",
            metadata: ["table": "\(table)", "id": "\(id)", "error": "\(error)"])
    }

    /// Rows that are told of, so that a broken disk does not fill the log.
    private static let limit = 1_000
    /// How long a row that was passed over is left alone: somebody may have put it right by then.
    package static let pause: Duration = .seconds(3_600)
}
