import Synchronization

/// What was made of a key before, so that it need not be made again: parsed URLs, read templates, phone numbers. The same
/// key must always give the same value.
///
/// It holds at most as many as it is told, in two halves: a full one makes the older one be forgotten, so what is asked for
/// again and again stays, whoever fills it with what is asked for once.
package final class Remembered<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Halves {
        var young: [Key: Value] = [:]
        var old: [Key: Value] = [:]
    }

    private let halves = Mutex(Halves())
    private let half: Int

    /// - Parameter limit: How many values are held at most, 2 or more.
    package init(limit: Int) {
        half = max(1, limit / 2)
    }

    /// The value of `key`.
    ///
    /// - Parameters:
    ///   - key: What it is made of.
    ///   - make: Makes it; two callers at once may both do so.
    /// - Returns: The value.
    /// - Throws: What `make` throws, which is not remembered.
    package func value<Failure: Error>(of key: Key, _ make: () throws(Failure) -> Value) throws(Failure) -> Value {
        if let known = known(key) { return known }
        let value = try make()
        halves.withLock { insert(value, key, &$0) }
        return value
    }

    /// How many are remembered.
    package var count: Int { halves.withLock { $0.young.count + $0.old.count } }

    private func known(_ key: Key) -> Value? {
        halves.withLock { halves in
            if let value = halves.young[key] { return value }
            guard let value = halves.old.removeValue(forKey: key) else { return nil }
            insert(value, key, &halves)
            return value
        }
    }

    private func insert(_ value: Value, _ key: Key, _ halves: inout Halves) {
        if halves.young.count >= half { (halves.young, halves.old) = ([:], halves.young) }
        halves.young[key] = value
    }
}
