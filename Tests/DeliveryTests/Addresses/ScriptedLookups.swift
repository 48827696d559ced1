import NIOCore
import Synchronization

@testable import Delivery

/// Lookups that end when the test says so, as those of a silent name server never do.
final class ScriptedLookups: NameLookupRunner {
    /// A lookup that was started.
    struct Started: Sendable {
        let id: UInt64
        let name: String
        fileprivate let completion: Completion

        /// Ends it.
        func answer(_ answer: Result<[IPAddress], ResolutionError>) { completion(answer) }
    }

    private struct State {
        var started: [Started] = []
        var cancelled: [UInt64] = []
        var isShutDown = false
    }

    private let state = Mutex(State())
    private let answers: @Sendable (_ name: String, _ count: Int) -> Result<[IPAddress], ResolutionError>?

    /// Every lookup hangs.
    convenience init() { self.init { _, _ in nil } }

    /// Lookups are answered at once by a script, from the name and how often it was looked up before; nil hangs.
    init(_ answers: @escaping @Sendable (_ name: String, _ count: Int) -> Result<[IPAddress], ResolutionError>?) {
        self.answers = answers
    }

    /// What was started so far.
    var started: [Started] { state.withLock { $0.started } }

    /// Their names.
    var names: [String] { started.map(\.name) }

    /// The lookups that were cancelled.
    var cancelled: [UInt64] { state.withLock { $0.cancelled } }

    func start(_ id: UInt64, _ name: String, until deadline: NIODeadline, completion: @escaping Completion) {
        let count = state.withLock { state in
            state.started.append(Started(id: id, name: name, completion: completion))
            return state.started.count { $0.name == name } - 1
        }
        if let answer = answers(name, count) { completion(answer) }
    }

    func cancel(_ id: UInt64) { state.withLock { $0.cancelled.append(id) } }

    func shutdown() { state.withLock { $0.isShutDown = true } }
}

/// What a resolver's memory reads the time from.
final class LookupClock: Sendable {
    private let offset = Mutex(TimeAmount.zero)

    var now: NIODeadline { .uptimeNanoseconds(1_000_000_000_000) + offset.withLock { $0 } }

    func advance(by time: TimeAmount) { offset.withLock { $0 = $0 + time } }
}
