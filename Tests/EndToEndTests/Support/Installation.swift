import Foundation
import NIOHTTP1
import Storage
import Synchronization
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A folder with a database, and the processes of the real binary that work on it, one server at a time.
final class Installation: Sendable {
    /// How a server is ended.
    enum End: String, CaseIterable, CustomTestStringConvertible {
        case sigterm
        case sigkill

        var testDescription: String { rawValue }
    }

    /// A command that ran to its end.
    struct Finished {
        let end: ChildProcess.Ending
        let output: String
        let errors: String
    }

    let folder: String
    let databasePath: String
    let environment: [String: String]
    private let logFolder: String
    /// What the clocks of its processes begin at; nil for the machine's.
    private let clock: String?
    /// How many files each of its processes may have open; nil for as many as the tests.
    private let openFiles: Int?
    private let state = Mutex(State())

    private struct State {
        var server: ChildProcess?
        var baseURL = ""
        var started: [ChildProcess] = []
        /// By how many seconds the clocks of processes that start are ahead of the machine's.
        var secondsAhead: Int64 = 0
    }

    /// - Parameters:
    ///   - folder: Where logs are, and the database too unless `databaseFolder` says otherwise.
    ///   - databaseFolder: Where the database is.
    ///   - settings: Variables beside those that every test needs.
    ///   - clock: What the wall clocks of its processes begin at, such as `2026-10-24 20:00:00` of UTC; nil for the
    ///     machine's.
    ///   - openFiles: How many files each of its processes may have open; nil for as many as the tests.
    init(
        folder: String, databaseFolder: String? = nil, settings: [String: String] = [:], clock: String? = nil,
        openFiles: Int? = nil
    ) {
        self.folder = folder
        self.clock = clock
        self.openFiles = openFiles
        logFolder = folder + "/logs"
        databasePath = (databaseFolder ?? folder + "/data") + "/httpsms.sqlite"
        let always = [
            "DATABASE_URL": "sqlite:" + databasePath, "HTTP_PORT": "0", "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
            "PATH": "/usr/bin:/bin", "HOME": folder, "TMPDIR": folder,
        ]
        environment = always.merging(settings) { $1 }
    }

    /// Where the running server is reached; of the last one while none runs.
    var baseURL: String { state.withLock { $0.baseURL } }

    /// The running server.
    var server: ChildProcess? { state.withLock { $0.server } }

    /// What takes root's privileges away, which no server has that runs for good; nothing when the tests have none.
    private static let unprivileged =
        getuid() == 0 ? ["/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all"] : []

    /// The executable that was built beside these tests.
    static let binary = URL(filePath: ProcessInfo.processInfo.arguments[0]).deletingLastPathComponent()
        .appending(path: "httpsms").path

    /// Sets the wall clocks of processes that start from now on ahead of the machine's, by whole seconds.
    func setClocks(ahead: Duration) { state.withLock { $0.secondsAhead = ahead.components.seconds } }

    /// What `faketime` is told of the clocks; nil for those of the machine.
    private var fakedClock: String? {
        let ahead = state.withLock { $0.secondsAhead }
        return clock.map { "@\($0)" } ?? (ahead > 0 ? "+\(ahead)" : nil)
    }

    /// Starts a process of the binary and does not wait for it.
    func start(
        _ arguments: [String], settings: [String: String] = [:], input: String = "/dev/null"
    ) throws -> ChildProcess {
        try FileManager.default.createDirectory(atPath: logFolder, withIntermediateDirectories: true)
        let number = state.withLock { $0.started.count }
        // `faketime` waits for the binary, and hands no signal on: such a server is killed, not asked to end.
        let faked = fakedClock.map { ["/usr/bin/faketime", "--exclude-monotonic", "-f", $0] } ?? []
        let limited = openFiles.map { ["/usr/bin/prlimit", "--nofile=\($0):\($0)"] } ?? []
        let command = Self.unprivileged + limited + faked + [Self.binary] + arguments
        let process = try ChildProcess(
            command[0], Array(command.dropFirst()), environment: environment.merging(settings) { $1 },
            logs: "\(logFolder)/\(number)-\(arguments.first ?? "")", input: input)
        state.withLock { $0.started.append(process) }
        return process
    }

    /// Runs a command to its end.
    func run(
        _ arguments: String..., settings: [String: String] = [:], within limit: Duration = longestWait
    ) async throws -> Finished {
        let process = try start(arguments, settings: settings)
        let end = try await process.wait(within: limit)
        return Finished(end: end, output: process.output, errors: process.errors)
    }

    /// Starts the server and waits until it listens, and unless it is said otherwise until it is ready.
    func serve(untilReady: Bool = true) async throws {
        let process = try start(["serve"])
        try await until("server listens") {
            if let end = process.end { throw TestFailure("the server ended with \(end):\n\(process.errors)") }
            return Self.listeningURL(process) != nil
        }
        let baseURL = Self.listeningURL(process) ?? ""
        state.withLock { state in
            state.server = process
            state.baseURL = baseURL
        }
        if !untilReady { return }
        try await until("server is ready") {
            let answer = try? await Client.send(.GET, baseURL + "/health/ready")  // Not yet: asked again.
            return answer?.status == 200
        }
    }

    /// Ends the server; SIGTERM has to end it with status 0 within 10 s.
    func stop(_ end: End = .sigterm) async throws {
        guard let process = server else { throw TestFailure("no server runs") }
        switch end {
        case .sigkill:
            process.killNow()
            // Of a server under `faketime` only the latter is reaped: a port that is fixed may be taken for a moment.
            if fakedClock != nil {
                let url = baseURL + "/health/live"
                try await until("the server is gone") {
                    (try? await Client.send(.GET, url)) == nil  // Nobody answers.
                }
            }
        case .sigterm:
            process.signal(SIGTERM)
            let end = try await process.wait(within: .seconds(10))
            guard end == .exited(0) else { throw TestFailure("SIGTERM gave \(end):\n\(process.errors)") }
        }
        state.withLock { $0.server = nil }
    }

    /// Reads the store, as it was left when no server runs.
    func rows(_ sql: SQL) async throws -> [Row] {
        let store = try await SQLiteStore.open(path: databasePath)
        return try await closing(store) { try await store.read { tx in try tx.rows(sql) } }
    }

    /// Ends what still runs; gives what the server wrote, for a test that failed.
    func endAll() {
        for process in state.withLock({ $0.started }) {
            process.killNow()
            // A `faketime` that was killed leaves them behind, and the next one with this id does not start.
            for name in ["faketime_sem_\(process.id)", "faketime_shm_\(process.id)"] {
                sem_unlink("/\(name)")
                shm_unlink("/\(name)")
            }
        }
    }

    private static func listeningURL(_ process: ChildProcess) -> String? {
        let line = process.errors.split(separator: "\n").first { $0.contains("server is listening") }
        return line?.split(separator: " ").first { $0.hasPrefix("url=") }.map { String($0.dropFirst(4)) }
    }
}

/// Runs `body` with an empty installation, and ends its processes and deletes it afterwards.
///
/// When `body` throws, the log of the last server is part of the error.
func withInstallation<Value>(
    _ settings: [String: String] = [:], databaseFolder: String? = nil, clock: String? = nil, openFiles: Int? = nil,
    _ body: (Installation) async throws -> Value
) async throws -> Value {
    try await withTemporaryDirectory { folder in
        let installation = Installation(
            folder: folder, databaseFolder: databaseFolder, settings: settings, clock: clock, openFiles: openFiles)
        defer { installation.endAll() }
        do {
            return try await body(installation)
        } catch {
            let log = installation.server?.errors.suffix(4_000) ?? "(no server runs)"
            throw TestFailure("\(error)\nlog of the server:\n\(log)")
        }
    }
}
