import Dispatch

/// Runs what computes for long without waiting for anything, one after the other on a thread of its own.
///
/// The threads of tasks are as many as there are processors: two computations on two of them stop every other test, whose
/// deadlines pass meanwhile. Issues are recorded by the caller, as that thread knows no test.
package func computing<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        longComputations.async { continuation.resume(with: Result(catching: work)) }
    }
}

private let longComputations = DispatchQueue(label: "long computations", qos: .utility)
