import Foundation
import HTTPSMSWebhooks
import Timestamps
import UnixSignals

/// `httpsms bench`: measures the server against baselines in the same run, all in processes of their own.
package struct Benchmark: Sendable {
    /// What is to be measured.
    package struct Options: Sendable {
        /// In the order in which they run.
        package var scenarios: [Scenario]
        /// Events of `deliver`.
        package var events = 20_000
        /// Events a second of `latency`; a tenth of it are the SMS a second of `tarpit`, which go to ten webhooks each, and
        /// of `phones`.
        package var rate = 500.0
        /// For how long `ingest`, `send`, `latency` and `tarpit` load the server; nil takes each one's own.
        package var seconds: Double?
        /// Events that are due in `backlog`.
        package var backlog = 100_000
        /// Messages in the stores of `lists` and `pages`.
        package var messages = 100_000
        /// Connections of `ingest` and `send`.
        package var connections = 64
        /// Whether the server is killed with SIGKILL half-way and started again.
        package var kill = false
        /// The PostgreSQL of `nodes`; nil leaves that scenario out.
        package var databaseURL: String?
        /// How many nodes share it, one run each.
        package var nodes = [1, 2, 4]
        /// Where stores are made; nil is a folder of its own among the temporary ones.
        package var folder: String?

        /// The defaults.
        package init(scenarios: [Scenario]) {
            self.scenarios = scenarios
        }
    }

    /// One thing to measure.
    package enum Scenario: String, Sendable, CaseIterable {
        case deliver
        case ingest
        case latency
        case tarpit
        case backlog
        case send
        case upload
        case hostile
        case readers
        case phones
        case lists
        case pages
        case nodes
    }

    let options: Options
    let folder: URL
    let sink: Sink
    let progress: @Sendable (String) -> Void

    /// Runs the scenarios; a signal stops all processes and removes the stores.
    ///
    /// - Parameters:
    ///   - options: What is measured, and how much of it.
    ///   - progress: Is told, in words, what goes on.
    /// - Returns: The report.
    /// - Throws: ``BenchFailure`` when something does not start or answer, and after a signal.
    package static func run(
        _ options: Options, progress: @escaping @Sendable (String) -> Void
    ) async throws -> BenchReport {
        try await withThrowingTaskGroup(of: BenchReport?.self) { group in
            group.addTask { try await measure(options, progress) }
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { throw BenchFailure("stopped") }
                return nil
            }
            defer { group.cancelAll() }
            while let report = try await group.next() {
                if let report { return report }
            }
            throw CancellationError()
        }
    }

    private static func measure(
        _ options: Options, _ progress: @escaping @Sendable (String) -> Void
    ) async throws -> BenchReport {
        let parent = options.folder ?? FileManager.default.temporaryDirectory.path
        let folder = URL(fileURLWithPath: parent)
            .appendingPathComponent("httpsms-bench-\(ProcessInfo.processInfo.processIdentifier)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // What is left behind is only of use to somebody who looks for it.
        defer { try? FileManager.default.removeItem(at: folder) }
        let machine = Machine(folder: folder)
        let sink = try await Sink(in: folder)
        let benchmark = Benchmark(options: options, folder: folder, sink: sink, progress: progress)
        do {
            let report = try await benchmark.report(machine)
            await sink.process.stop()
            return report
        } catch {
            await sink.process.stop()
            throw error
        }
    }

    private func report(_ machine: Machine) async throws -> BenchReport {
        var report = BenchReport(
            startedAt: SystemClock().now(), machine: machine,
            synchronous: try await BenchServer(in: folder.appendingPathComponent("mode")).synchronousMode())
        for scenario in options.scenarios {
            progress("\(scenario.rawValue)")
            let measured =
                switch scenario {
                case .deliver: try await deliver()
                case .ingest: try await ingest()
                case .latency: try await latency()
                case .tarpit: try await tarpit()
                case .backlog: try await backlog()
                case .send: try await send()
                case .upload: try await upload()
                case .hostile: try await hostile()
                case .readers: try await readers()
                case .phones: try await phones()
                case .lists: try await lists()
                case .pages: try await pages()
                case .nodes: try await nodes()
                }
            report.scenarios.append(measured)
        }
        return report
    }
}

extension Benchmark {
    /// Runs `body` with a server on a store of its own, which goes with it.
    ///
    /// - Parameters:
    ///   - name: Of its folder.
    ///   - postgres: An empty schema for it; nil for SQLite.
    ///   - body: What is measured.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws, and what keeps the server from being set up.
    func withServer<T>(
        _ name: String, postgres: String? = nil, _ body: (BenchServer) async throws -> T
    ) async throws -> T {
        try await sink.reset()
        let home = folder.appendingPathComponent(name)
        let server = try await BenchServer(in: home, postgres: postgres)
        do {
            let value = try await body(server)
            await server.stop()
            try FileManager.default.removeItem(at: home)
            return value
        } catch {
            await server.stop()
            throw error
        }
    }

    /// Runs this executable with `arguments` to its end, beside `body`, and gives what it printed.
    func runChild(_ arguments: [String], beside body: () async throws -> Void = {}) async throws -> String {
        let output = folder.appendingPathComponent("\(arguments[0])-\(UInt32.random(in: 0...(.max))).out")
        let child = try ChildProcess(arguments, output: output)
        do {
            try await body()
            return try await child.finish()
        } catch {
            await child.stop(kill: true)
            throw error
        }
    }

    /// Loads a server as `plan` says, from another process, beside `body`.
    func load(_ plan: LoadPlan, beside body: () async throws -> Void = {}) async throws -> LoadResult {
        let file = folder.appendingPathComponent("load.json")
        try JSONEncoder().encode(plan).write(to: file)
        let output = try await runChild(["bench-load", file.path], beside: body)
        return try JSONDecoder().decode(LoadResult.self, from: Data(output.utf8))
    }

    /// Waits until `expected` different deliveries arrived, or nothing comes any more.
    func arrivals(_ expected: Int) async throws -> Arrivals {
        var wanted = expected
        while true {
            try await sink.wait(for: wanted)
            // After a kill, what was under way comes again, and late.
            if options.kill { try await Task.sleep(for: .seconds(1)) }
            let arrivals = Arrivals(try await sink.records())
            let count = arrivals.first.count + arrivals.duplicates
            if arrivals.first.count >= expected || count < wanted { return arrivals }
            wanted = count + expected - arrivals.first.count
        }
    }
}
