import Synchronization
import TestSupport

/// Something that a test says while a receiver's script runs.
final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .sequentiallyConsistent) }

    func set() { value.store(true, ordering: .sequentiallyConsistent) }
}

/// What one run of the server leaves to the next: the account's key and an answer.
final class Saved: Sendable {
    private let saved = Mutex<(String, JSON)>(("", .absent))

    var values: (String, JSON) { saved.withLock { $0 } }

    func set(_ key: String, _ answer: JSON) { saved.withLock { $0 = (key, answer) } }
}
