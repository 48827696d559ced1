/// What a test waited for did not come.
package struct NeverHappened: Error, CustomStringConvertible {
    /// What it was, and what was there instead.
    package let description: String
}

/// How long a test waits for anything at most: longer than it takes on a machine that other work keeps busy.
package let longestWait = Duration.seconds(180)

/// Looks again and again until `look` gives a value: after 2 ms, then less and less often, up to every 50 ms, for what is looked
/// at is often a server on the same cores.
///
/// - Parameters:
///   - what: What is waited for, for the error; asked when the time is over.
///   - limit: How long to wait at most.
///   - look: Gives nil while it is not there.
/// - Returns: What `look` gave.
/// - Throws: ``NeverHappened`` after `limit`, and what `look` throws.
package func eventually<Value>(
    _ what: @autoclosure () -> String, within limit: Duration = longestWait, _ look: () async throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + limit
    var pause = Duration.milliseconds(2)
    while true {
        if let value = try await look() { return value }
        guard ContinuousClock.now < deadline else {
            throw NeverHappened(description: "\(what()): not within \(limit)")
        }
        try await Task.sleep(for: pause)
        pause = min(pause * 1.25, .milliseconds(50))
    }
}

/// Looks again and again until `condition` holds, as ``eventually(_:within:_:)`` does.
///
/// - Parameters:
///   - what: What is waited for, for the failure; asked when the time is over.
///   - limit: How long at most.
///   - condition: Asked again and again.
/// - Throws: ``NeverHappened`` after `limit`, and what `condition` throws.
package func until(
    _ what: @autoclosure () -> String, within limit: Duration = longestWait, _ condition: () async throws -> Bool
) async throws {
    _ = try await eventually(what(), within: limit) { try await condition() ? true : nil }
}
