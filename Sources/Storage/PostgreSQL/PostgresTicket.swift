import Synchronization

/// A caller that waits for a connection: it is served, or told that it is not, exactly once.
final class PostgresTicket<Value: Sendable>: Sendable {
    private enum State {
        case new
        case waiting(CheckedContinuation<Value, any Error>)
        /// Somebody serves it, and will tell it what came of that.
        case taken(CheckedContinuation<Value, any Error>)
        /// Told already, or to be told this as soon as it waits.
        case over((any Error)?)
    }

    private let state = Mutex(State.new)

    /// Waits to be told.
    func wait(_ start: () -> Void) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let refusal = state.withLock { state -> (any Error)? in
                if case .over(let error) = state { return error }
                state = .waiting(continuation)
                return nil
            }
            if let refusal { return continuation.resume(throwing: refusal) }
            start()
        }
    }

    /// Takes the caller; false when nobody waits any more.
    func take() -> Bool {
        state.withLock { state in
            guard case .waiting(let continuation) = state else { return false }
            state = .taken(continuation)
            return true
        }
    }

    /// Tells the caller that was taken.
    func serve(_ result: Result<Value, any Error>) {
        let caller = state.withLock { state -> CheckedContinuation<Value, any Error>? in
            guard case .taken(let continuation) = state else { return nil }
            state = .over(nil)
            return continuation
        }
        caller?.resume(with: result)
    }

    /// Tells the caller that it is not served, unless it was taken.
    func refuse(_ error: any Error) {
        let caller = state.withLock { state -> CheckedContinuation<Value, any Error>? in
            switch state {
            case .new:
                state = .over(error)
                return nil
            case .waiting(let continuation):
                state = .over(nil)
                return continuation
            case .taken, .over:
                return nil
            }
        }
        caller?.resume(throwing: error)
    }
}
