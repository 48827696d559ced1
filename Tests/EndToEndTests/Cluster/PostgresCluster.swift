import Foundation
import TestSupport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A PostgreSQL of a test's own, which it may stop and start.
final class PostgresCluster: Sendable {
    /// What a server connects to.
    let url: String
    private let folder: String
    private let tools: String

    fileprivate init(folder: String) throws {
        self.folder = folder
        url = "postgresql://postgres@/postgres?host=" + folder.replacing("/", with: "%2F")
        let versions = try FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")
        guard let newest = versions.max(by: { (Int($0) ?? 0) < (Int($1) ?? 0) }) else {
            throw TestFailure("PostgreSQL is missing: apt-get install postgresql")
        }
        tools = "/usr/lib/postgresql/\(newest)/bin/"
    }

    fileprivate func create() async throws {
        // PostgreSQL refuses to run as root, and owns its folder.
        if getuid() == 0 { try await run("/usr/bin/chown", "postgres", folder) }
        try await run(
            tools + "initdb", "--pgdata", folder + "/cluster", "--auth", "trust", "--username", "postgres",
            "--encoding", "UTF8", "--locale", "C", "--no-sync", asOwner: true)
        try await start()
    }

    /// Copies `primary` and follows it; from now on nothing is committed there that is not here.
    fileprivate func follow(_ primary: PostgresCluster) async throws {
        if getuid() == 0 { try await run("/usr/bin/chown", "postgres", folder) }
        try await run(
            tools + "pg_basebackup", "--pgdata", folder + "/cluster", "--host", primary.folder, "--username",
            "postgres",
            "--write-recovery-conf", "--wal-method", "stream", "--checkpoint", "fast", asOwner: true)
        try await start()
        // The copy was made before, so that this server needs no standby once it is the primary.
        for command in ["ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"] {
            try await run("/usr/bin/psql", "--quiet", "--command", command, primary.url)
        }
    }

    /// Makes a standby the primary, and waits until it takes writes.
    func promote() async throws {
        try await run(tools + "pg_ctl", "--pgdata", folder + "/cluster", "--wait", "--silent", "promote", asOwner: true)
    }

    /// Starts the server and waits until it takes connections.
    func start() async throws {
        // Not flushed: what a test kills is the server, not the machine.
        let options =
            "-c listen_addresses='' -c unix_socket_directories='\(folder)' -c fsync=off -c max_connections=200"
        try await run(
            tools + "pg_ctl", "--pgdata", folder + "/cluster", "--log", folder + "/server.log", "--wait", "--silent",
            "start", "--options", options, asOwner: true)
    }

    /// Ends the server as a crash does: nobody is told, and the next start recovers.
    func crash() async throws {
        try await run(
            tools + "pg_ctl", "--pgdata", folder + "/cluster", "--mode", "immediate", "--silent", "stop",
            asOwner: true)
    }

    /// Ends every process of the server without a word, as when its machine dies.
    func die() throws {
        for process in try processes() { kill(process, SIGKILL) }
    }

    /// Has every process of the server stand still, as on a volume that hangs: connections are taken and nothing is answered.
    func freeze() throws {
        // The first line of the file is the server's process; its children are found as long as they are its own.
        for process in try processes() { kill(process, SIGSTOP) }
    }

    /// Has them go on; nothing when they do.
    func thaw() throws {
        for process in try processes() { kill(process, SIGCONT) }
    }

    /// The server's processes, the one that starts the others first.
    private func processes() throws -> [pid_t] {
        let file = try String(contentsOfFile: folder + "/cluster/postmaster.pid", encoding: .utf8)
        guard let main = file.split(separator: "\n").first.flatMap({ pid_t($0) }), main > 1 else {
            throw TestFailure("no server runs in \(folder)")
        }
        let children = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.filter {
            // One that has ended meanwhile has no file.
            let state = (try? String(contentsOfFile: "/proc/\($0)/stat", encoding: .utf8)) ?? ""
            return state.split(separator: ")").last?.split(separator: " ").dropFirst().first == "\(main)"
        }
        return [main] + children
    }

    private func run(_ command: String, _ arguments: String..., asOwner: Bool = false) async throws {
        var all = [command] + arguments
        if asOwner, getuid() == 0 {
            all = ["/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] + all
        }
        let process = try ChildProcess(
            all[0], Array(all.dropFirst()), environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C"],
            logs: "\(folder)/\(UUID().uuidString)")
        let end = try await process.wait()
        guard end == .exited(0) else { throw TestFailure("\(all): \(end)\n\(process.output)\(process.errors)") }
    }
}

/// Runs `body` with a PostgreSQL of its own, and ends and deletes it afterwards.
func withPostgresCluster<Value>(_ body: (PostgresCluster) async throws -> Value) async throws -> Value {
    try await withTemporaryDirectory { folder in
        // The path of a socket is short; the servers under test are not its owner.
        chmod(folder, 0o755)
        let cluster = try PostgresCluster(folder: folder)
        let result: Result<Value, any Error>
        do {
            try await cluster.create()
            result = .success(try await body(cluster))
        } catch {
            result = .failure(error)
        }
        try? cluster.thaw()  // It ran, or none runs.
        try? await cluster.crash()  // Already stopped, or never started: nothing to end.
        return try result.get()
    }
}

/// Runs `body` with a primary, its synchronous standby, and the URL that names both.
func withReplicatedPostgres(
    _ body: (_ primary: PostgresCluster, _ standby: PostgresCluster, _ url: String) async throws -> Void
) async throws {
    try await withPostgresCluster { primary in
        try await withTemporaryDirectory { folder in
            chmod(folder, 0o755)
            let standby = try PostgresCluster(folder: folder)
            let result: Result<Void, any Error>
            do {
                try await standby.follow(primary)
                let hosts = [primary, standby].map { $0.url.split(separator: "host=")[1] }.joined(separator: ",")
                let url = "postgresql://postgres@/postgres?host=\(hosts)&target_session_attrs=read-write"
                result = .success(try await body(primary, standby, url))
            } catch {
                result = .failure(error)
            }
            try? await standby.crash()  // Never started: nothing to end.
            try result.get()
        }
    }
}
