import Dispatch
import Logging
import Storage
import Synchronization
import Testing
import TestSupport
import Timestamps

typealias Body = @Sendable (any Transaction) throws -> Void

/// Runs `test` with a SQLite store that has a table `item`.
func withItems(
    clock: any WallClock = SystemClock(), freeSpaceFloorBytes: Int64 = 0, readLimit: Duration = .seconds(5),
    logger: Logger = Logger(label: "tests"),
    _ test: (SQLiteStore) async throws -> Void
) async throws {
    try await withTemporaryDirectory { directory in
        let path = directory + "/items.db"
        let lock = try ServerLock(database: path)
        defer { lock.release() }
        let store = try await SQLiteStore.open(
            path: path, lock: lock, clock: clock, logger: logger, freeSpaceFloorBytes: freeSpaceFloorBytes,
            readLimit: readLimit)
        try await closing(store) {
            try await store.write(.maintenance) {
                _ = try $0.run("CREATE TABLE item (id \(.int64) PRIMARY KEY, filler \(.blob)) \(.strict)")
            }
            try await test(store)
        }
    }
}

/// The ids of all items, in order.
func ids(_ store: SQLiteStore) async throws -> [Int] {
    try await store.read { try $0.rows("SELECT id FROM item ORDER BY id").map { try $0.get("id") } }
}

/// Holds the writer up until `bodies` wait in their order, so that they are grouped; gives their outcomes. The one that holds
/// it up ends with `first`.
func group(
    _ store: SQLiteStore, after first: @escaping Body = { _ in }, _ bodies: [Body]
) async throws -> [Outcome] {
    let blocker = Blocker()
    async let blocking: Void = store.write(.engine) {
        blocker.block()
        try first($0)
    }
    await blocker.untilBlocked()
    let outcomes = await withTaskGroup(of: (Int, Outcome).self) { tasks in
        for (index, body) in bodies.enumerated() {
            tasks.addTask {
                do {
                    try await store.write(body)
                    return (index, .success)
                } catch {
                    return (index, .failure(error))
                }
            }
            await untilWaiting(store, index + 1)
        }
        blocker.release()
        var outcomes = bodies.map { _ in Outcome.success }
        for await (index, outcome) in tasks { outcomes[index] = outcome }
        return outcomes
    }
    // On a full disk the one that held the writer up shares the fate of the group.
    try? await blocking
    return outcomes
}

/// Returns once `count` requests wait for the writer.
func untilWaiting(_ store: SQLiteStore, _ count: Int) async {
    while store.waitingWrites(.request) < count { await Task.yield() }
}

/// What became of a write.
enum Outcome: Sendable {
    case success
    case failure(any Error)

    var isSuccess: Bool { failure == nil }

    var failure: (any Error)? {
        guard case .failure(let error) = self else { return nil }
        return error
    }
}

/// Stops a body on the writer's thread until the test lets it go on.
final class Blocker: Sendable {
    private let isBlocked = Mutex(false)
    private let gate = DispatchSemaphore(value: 0)

    func block() {
        isBlocked.withLock { $0 = true }
        gate.wait()
        // Stays open, for bodies may run again.
        gate.signal()
    }

    func untilBlocked() async {
        while !isBlocked.withLock({ $0 }) { await Task.yield() }
    }

    func release() {
        gate.signal()
    }
}

/// What happened, in order, as told by several threads.
final class Journal: Sendable {
    private let list = Mutex<[String]>([])

    var entries: [String] { list.withLock { $0 } }

    func add(_ entry: String) {
        list.withLock { $0.append(entry) }
    }
}

extension Transaction {
    /// Adds an item with so many bytes of filler.
    func insert(_ id: Int, fillerBytes: Int = 0) throws {
        let filler = [UInt8](repeating: 1, count: fillerBytes)
        try run("INSERT INTO item (id, filler) VALUES (\(id), \(filler))")
    }
}
