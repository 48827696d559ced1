import Foundation
import Storage
import Timestamps

/// A database that the store's tests run on.
package enum Engine: String, Sendable, CaseIterable {
    case sqlite
    case postgresql

    /// The engines that the store's tests run on, for `@Test(arguments:)`: the one of HTTPSMS_ENGINE where that is set, else
    /// both. A test fails where one is missing.
    package static var enabled: [Engine] { named.map { [$0] } ?? allCases }

    /// What tests that name no engine run on: HTTPSMS_ENGINE, `sqlite` unless it is set.
    package static var usual: Engine { named ?? .sqlite }

    private static var named: Engine? {
        ProcessInfo.processInfo.environment["HTTPSMS_ENGINE"].flatMap(Engine.init)
    }
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
    _ engine: Engine = .usual, migrations: [Migration] = [], clock: any WallClock = SystemClock(),
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
    case .postgresql:
        try await withPostgresURL { url in
            let store = try await PostgresStore.open(url: url, clock: clock, connections: 4)
            return try await closing(store) {
                if !migrations.isEmpty { _ = try await store.migrate(migrations) }
                return try await body(store)
            }
        }
    }
}

/// Runs `body` with the URL of an empty schema of the tests' PostgreSQL, and drops the schema afterwards.
///
/// - Throws: ``MissingPostgres``, and what `body` throws.
package func withPostgresURL<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    let (base, schema) = (try TestPostgres.url(), TestPostgres.newName())
    try await TestPostgres.administer("CREATE SCHEMA \(schema)")
    return try await cleaning {
        try await TestPostgres.administer("DROP SCHEMA \(schema) CASCADE")
    } after: {
        try await body("\(base)\(base.contains("?") ? "&" : "?")options=-csearch_path%3D\(schema)")
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
    try await cleaning({ try await store.close() }, after: body)
}

/// Runs `body`, and `cleanUp` whatever comes of it; the error of `body` is the one that counts.
package func cleaning<Value>(
    _ cleanUp: () async throws -> Void, after body: () async throws -> Value
) async throws -> Value {
    let result: Value
    do {
        result = try await body()
    } catch {
        try? await cleanUp()
        throw error
    }
    try await cleanUp()
    return result
}

extension Store {
    /// `write` in the lane of requests.
    package func write<T: Sendable>(
        _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T {
        try await write(.request, body)
    }
}
