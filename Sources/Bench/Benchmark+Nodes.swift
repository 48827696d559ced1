import Foundation
import Storage

extension Benchmark {
    /// What a delivery costs when 1, 2, 4 ... nodes share a PostgreSQL, under the same load altogether.
    ///
    /// On one machine more nodes cannot give more; what must not grow is the cost.
    func nodes() async throws -> BenchReport.Scenario {
        guard let url = options.databaseURL else {
            throw BenchFailure("nodes needs --database-url postgres://..., an empty database that is only for this")
        }
        let seconds = options.seconds ?? 20
        var runs: [BenchRun] = []
        var databaseCosts: [Double?] = []
        for count in options.nodes {
            progress("nodes: \(count)")
            let (run, database) = try await run(count, on: url, seconds: seconds)
            runs.append(run)
            databaseCosts.append(database)
        }
        var ratios: [BenchReport.Ratio] = []
        for (index, run) in runs.enumerated().dropFirst() {
            ratios.append(
                .init(
                    name: "CPU of the nodes for a delivery, \(run.name) / \(runs[0].name)",
                    value: Self.quotient(run.cpuSecondsPerThousand, runs[0].cpuSecondsPerThousand),
                    goal: "at most 1.25"))
            ratios.append(
                .init(
                    name: "the same with the CPU of PostgreSQL",
                    value: Self.quotient(
                        Self.sum(run.cpuSecondsPerThousand, databaseCosts[index]),
                        Self.sum(runs[0].cpuSecondsPerThousand, databaseCosts[0])),
                    goal: "at most 1.25"))
        }
        for (run, cost) in zip(runs, databaseCosts) {
            ratios.append(
                .init(name: "CPU s of PostgreSQL for 1,000 deliveries, \(run.name)", value: cost, goal: "none"))
        }
        return .init(
            name: Scenario.nodes.rawValue,
            summary: "\(Int(options.rate)) SMS/s over all nodes for \(Int(seconds)) s, ten webhooks of ten users",
            runs: runs, ratios: ratios)
    }

    private func run(
        _ count: Int, on url: String, seconds: Double
    ) async throws -> (run: BenchRun, databaseCost: Double?) {
        try await withSchema(of: url) { try await run(count, sharing: $0, seconds: seconds) }
    }

    /// Runs `body` with the URL of an empty schema, which goes with it.
    func withSchema<T>(of url: String, _ body: (String) async throws -> T) async throws -> T {
        let schema = "bench_\(UInt32.random(in: 0...(.max)))"
        try await administer(url) { tx in try BenchQueries.createSchema(schema, in: tx) }
        do {
            let path = "\(url)\(url.contains("?") ? "&" : "?")options=-csearch_path%3D\(schema)"
            let measured = try await body(path)
            try await administer(url) { tx in try BenchQueries.dropSchema(schema, in: tx) }
            return measured
        } catch {
            // The first error is the one to report.
            try? await administer(url) { tx in try BenchQueries.dropSchema(schema, in: tx) }
            throw error
        }
    }

    private func run(
        _ count: Int, sharing url: String, seconds: Double
    ) async throws -> (run: BenchRun, databaseCost: Double?) {
        try await sink.reset()
        var servers: [BenchServer] = []
        for number in 0..<count {
            let home = folder.appendingPathComponent("nodes-\(count)-\(number)")
            servers.append(try await BenchServer(in: home, postgres: url))
        }
        do {
            let measured = try await measure(servers, seconds: seconds)
            for server in servers { await server.stop() }
            return measured
        } catch {
            for server in servers { await server.stop() }
            throw error
        }
    }

    private func measure(
        _ servers: [BenchServer], seconds: Double
    ) async throws -> (run: BenchRun, databaseCost: Double?) {
        var accounts: [BenchServer.Account] = []
        for index in 0..<10 { accounts.append(try await servers[0].makeAccount(index, webhooks: [sink.url(index)])) }
        for server in servers { try await server.start() }
        var plan = await servers[0].plan(.receive, accounts, connections: 32, rate: options.rate, seconds: seconds)
        plan.ports = []
        for server in servers { plan.ports.append(server.port) }
        let idle = try await usage(of: servers)
        let databaseBefore = try await databaseUsage()

        let load = try await load(plan)
        let arrivals = try await arrivals(load.accepted)

        let busy = try await usage(of: servers)
        let databaseAfter = try await databaseUsage()
        var run = BenchRun("\(servers.count) node\(servers.count == 1 ? "" : "s")", accepted: load.accepted)
        run.acceptedPerSecond = Double(load.accepted) / load.seconds
        run.delivered = arrivals.first.count
        run.deliveredPerSecond = arrivals.perSecond()
        run.latency = arrivals.latency
        run.duplicates = arrivals.duplicates
        run.lost = arrivals.missing(below: load.sent, unaccepted: Set(load.unaccepted))
        run.noteUsage((busy.cpuSeconds - idle.cpuSeconds, busy.peakMemory), of: arrivals.first.count)
        let thousands = Double(arrivals.first.count) / 1_000
        guard let databaseBefore, let databaseAfter, thousands > 0 else { return (run, nil) }
        return (run, (databaseAfter - databaseBefore) / thousands)
    }

    /// CPU seconds of PostgreSQL so far; nil when it is on another machine.
    private func databaseUsage() async throws -> Double? {
        guard let url = options.databaseURL else { return nil }
        let store = try await PostgresStore.open(url: url, connections: 1)
        do {
            let child = try await store.read { tx in try BenchQueries.backend(in: tx) }
            let usage = child.flatMap { ProcessUsage.cpuSeconds(ofFamilyOf: $0) }
            try await store.close()
            return usage
        } catch {
            try? await store.close()  // The first error is the one to report.
            throw error
        }
    }

    private func usage(of servers: [BenchServer]) async throws -> (cpuSeconds: Double, peakMemory: Int) {
        var sum = (cpuSeconds: 0.0, peakMemory: 0)
        for server in servers {
            let usage = await server.usage()
            sum = (sum.cpuSeconds + usage.cpuSeconds, max(sum.peakMemory, usage.peakMemory))
        }
        return sum
    }

    private func administer(_ url: String, _ body: @escaping @Sendable (any Transaction) throws -> Void) async throws {
        let store = try await PostgresStore.open(url: url, connections: 1)
        do {
            try await store.write(.maintenance, body)
            try await store.close()
        } catch {
            try? await store.close()  // The first error is the one to report.
            throw error
        }
    }

    private static func sum(_ left: Double?, _ right: Double?) -> Double? {
        guard let left, let right else { return nil }
        return left + right
    }
}
