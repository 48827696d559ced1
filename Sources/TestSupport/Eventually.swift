/// What a test waited for did not come.
package struct NeverHappened: Error, CustomStringConvertible {
    /// What it was, and what was there instead.
    package let description: String
}

/// Looks again and again, every 5 ms, until `look` gives a value.
///
/// - Parameters:
///   - what: What is waited for, for the error; asked when the time is over.
///   - limit: How long to wait at most; on a busy machine everything takes long.
///   - look: Gives nil while it is not there.
/// - Returns: What `look` gave.
/// - Throws: ``NeverHappened`` after `limit`, and what `look` throws.
package func eventually<Value>(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(40), _ look: () async throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + limit
    while true {
        if let value = try await look() { return value }
        guard ContinuousClock.now < deadline else {
            throw NeverHappened(description: "\(what()): not within \(limit)")
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// Looks again and again, every 5 ms, until `condition` holds.
///
/// - Parameters:
///   - what: What is waited for, for the failure; asked when the time is over.
///   - limit: How long at most.
///   - condition: Asked again and again.
/// - Throws: ``NeverHappened`` after `limit`, and what `condition` throws.
package func until(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(40), _ condition: () async throws -> Bool
) async throws {
    _ = try await eventually(what(), within: limit) { try await condition() ? true : nil }
}
