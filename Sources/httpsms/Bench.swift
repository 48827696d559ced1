import ArgumentParser
import Bench
import Foundation

struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure this server on this machine, against baselines in the same run.",
        discussion: """
            Everything runs on loopback, in processes of its own, on stores in a temporary folder.
              deliver    events that are due, to one endpoint; baselines: clients that only post
              ingest     inbound SMS over HTTP while they are delivered; baseline: a route that does nothing
              latency    from acceptance to receipt under a steady load
              tarpit     what a webhook that never answers does to 99 others
              backlog    throughput with many events due against few
              send       messages to send over HTTP; baseline: a route that does nothing
              upload     files of 1,000 rows
              hostile    what the worst uploads of others do to requests
              readers    what another account's searches do to deliveries
              phones     1,000 phones with a stream each: at rest, told of messages, asking
              lists      lists and searches with many messages in the store against few
              pages      pages of the dashboard with many messages in the store
              nodes      what a delivery costs on 1, 2, 4 nodes that share a PostgreSQL (with --database-url only)
            Ends with 1 when an accepted event was lost.

            Example:
              httpsms bench --scenario deliver
            """)

    @Option(help: "Scenarios, separated by commas, or all (default: all but nodes; with --database-url nodes).")
    var scenario: String?

    @Option(help: "Events of deliver.")
    var events = 20_000

    @Option(help: "Deliveries a second of latency and tarpit.")
    var rate = 500.0

    @Option(help: "Load of ingest and send (default: 10 s), and of latency, tarpit and readers (20 s).")
    var seconds: Double?

    @Option(help: "Events that are due in backlog.")
    var backlog = 100_000

    @Option(help: "Messages in the stores of lists, pages and readers.")
    var messages = 100_000

    @Option(help: "Connections of ingest and send.")
    var connections = 64

    @Flag(help: "Kill the server with SIGKILL half-way and start it again.")
    var kill = false

    @Option(help: "Write the report to a file, as JSON.")
    var json: String?

    @Option(help: "The PostgreSQL of nodes, or of lists: postgres://user@host/database, one that is only for this.")
    var databaseURL: String?

    @Option(help: "How many nodes share it, separated by commas.")
    var nodes = "1,2,4"

    @Option(help: "Where stores are made; must be on the disk that is to be measured (default: the temporary folder).")
    var data: String?

    func validate() throws {
        _ = try scenarios()
        _ = try nodeCounts()
        guard events > 0, backlog > 0, messages > 0, rate > 0, connections > 0, seconds ?? 1 > 0 else {
            throw ValidationError("numbers must be greater than 0")
        }
        // The serial numbers of events have nine digits.
        guard max(events, backlog) < 1_000_000_000 else { throw ValidationError("at most 999,999,999 events") }
    }

    func run() async throws {
        var options = Benchmark.Options(scenarios: try scenarios())
        options.events = events
        options.rate = rate
        options.seconds = seconds
        options.backlog = backlog
        options.messages = messages
        options.connections = connections
        options.kill = kill
        options.folder = data
        options.databaseURL = databaseURL
        options.nodes = try nodeCounts()
        let report = try await Benchmark.run(options) { line in
            Terminal.note("bench: \(line)")
        }
        Terminal.write(report.table)
        if let json { try Data(report.json).write(to: URL(fileURLWithPath: json)) }
        if report.hasLoss { throw ExitCode(1) }
    }

    private func nodeCounts() throws -> [Int] {
        let counts = nodes.split(separator: ",").compactMap { Int($0) }
        guard !counts.isEmpty, counts.count == nodes.split(separator: ",").count,
            counts.allSatisfy({ (1...16).contains($0) })
        else { throw ValidationError("--nodes takes numbers from 1 to 16, such as 1,2,4") }
        return counts
    }

    private func scenarios() throws -> [Benchmark.Scenario] {
        guard let scenario else {
            return databaseURL == nil ? Benchmark.Scenario.allCases.filter { $0 != .nodes } : [.nodes]
        }
        if scenario == "all" { return Benchmark.Scenario.allCases }
        return try scenario.split(separator: ",").map { name in
            guard let scenario = Benchmark.Scenario(rawValue: String(name)) else {
                throw ValidationError("there is no scenario '\(name)'")
            }
            return scenario
        }
    }
}

struct BenchSink: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "bench-sink", shouldDisplay: false)

    func run() async throws {
        try await BenchChildren.sink { Terminal.line("\($0)") }
    }
}

struct BenchNoOp: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "bench-noop", shouldDisplay: false)

    func run() async throws {
        try await BenchChildren.noOp { Terminal.line("\($0)") }
    }
}

struct BenchLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "bench-load", shouldDisplay: false)

    @Argument var plan: String

    func run() async throws {
        Terminal.line(try await BenchChildren.load(planIn: plan))
    }
}

struct BenchPost: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "bench-post", shouldDisplay: false)

    @Argument var client: String
    @Argument var count: Int
    @Argument var url: String

    func run() async throws {
        guard let client = BareClient(rawValue: client) else { throw ValidationError("there is no client '\(client)'") }
        try await BenchChildren.post(client, count: count, to: url)
    }
}

struct BenchBodies: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "bench-bodies", shouldDisplay: false)

    @Argument var count: Int

    func run() async throws {
        Terminal.line(BenchChildren.bodies(count: count).joined(separator: "\n"))
    }
}
