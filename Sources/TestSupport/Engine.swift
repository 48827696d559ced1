import Foundation
import Storage
import Timestamps

/// A database that the store's tests run on.
package enum Engine: String, Sendable, CaseIterable {
    case sqlite

    /// The engines that can be tested here, for `@Test(arguments:)`.
    package static var enabled: [Engine] { [.sqlite] }
}

/// Runs `body` with a new store that holds `migrations`, and deletes the store afterwards.
///
/// ```swift
/// @Test(arguments: Engine.enabled) func rowsAreKept(engine: Engine) async throws {
///     try await withStore(engine, migrations: migrations) { store in ... }
/// }
/// ```
///
/// - Parameters:
///   - engine: Where the store lives; SQLite gets a file, for databases in memory lock differently.
///   - migrations: Applied before `body`.
///   - clock: The clock of the store.
///   - body: The test.
/// - Returns: What `body` returns.
/// - Throws: What `body` or the store throws.
package func withStore<Value>(
    _ engine: Engine = .sqlite, migrations: [Migration] = [], clock: any WallClock = SystemClock(),
    _ body: (any Store) async throws -> Value
) async throws -> Value {
    switch engine {
    case .sqlite:
        try await withTemporaryDirectory { directory in
            let store = try await SQLiteStore.open(path: directory + "/test.db", clock: clock)
            return try await closing(store) {
                if !migrations.isEmpty { _ = try await store.migrate(migrations) }
                return try await body(store)
            }
        }
    }
}

/// Runs `body` with the path of a new directory, and deletes it with all it holds afterwards.
package func withTemporaryDirectory<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("httpsms-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    // A directory that stays behind fails no test.
    defer { try? FileManager.default.removeItem(at: directory) }
    return try await body(directory.path)
}

/// Runs `body` and closes `store` whatever comes of it; the error of `body` is the one that counts.
package func closing<Value>(_ store: any Store, _ body: () async throws -> Value) async throws -> Value {
    let result: Value
    do {
        result = try await body()
    } catch {
        try? await store.close()
        throw error
    }
    try await store.close()
    return result
}
