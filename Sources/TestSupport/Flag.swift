import Synchronization

/// Something that a test says while a receiver's script runs.
package final class Flag: Sendable {
    private let value = Atomic(false)

    /// Not said yet.
    package init() {}

    /// Whether it was said.
    package var isSet: Bool { value.load(ordering: .sequentiallyConsistent) }

    /// Says it.
    package func set() { value.store(true, ordering: .sequentiallyConsistent) }
}

/// What one run of the server leaves to the next: the account's key and an answer.
package final class Saved: Sendable {
    private let saved = Mutex<(String, JSON)>(("", .absent))

    /// Nothing yet.
    package init() {}

    /// The key and the answer.
    package var values: (String, JSON) { saved.withLock { $0 } }

    /// Leaves both.
    package func set(_ key: String, _ answer: JSON) { saved.withLock { $0 = (key, answer) } }
}
