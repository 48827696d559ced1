import Foundation

extension Benchmark {
    /// How many inbound SMS the server takes while it delivers them, beside a route that does nothing.
    func ingest() async throws -> BenchReport.Scenario {
        let seconds = options.seconds ?? 10
        let own = try await loaded(
            "httpsms", webhooks: [[sink.url(0)]], rate: nil, seconds: seconds, connections: options.connections)
        progress("ingest: no-op route")
        let noOp = try await noOpRoute(.receive, seconds: seconds)
        return .init(
            name: Scenario.ingest.rawValue,
            summary: "\(options.connections) connections post SMS for \(Self.text(seconds)) s, closed loop",
            runs: [own, noOp],
            ratios: [
                .init(
                    name: "\(own.name) / \(noOp.name)",
                    value: Self.quotient(own.acceptedPerSecond, noOp.acceptedPerSecond), goal: "at least 0.10")
            ])
    }

    /// How long an event takes from acceptance to the sink under a steady load.
    func latency() async throws -> BenchReport.Scenario {
        let seconds = options.seconds ?? 20
        let run = try await loaded(
            "httpsms", webhooks: [[sink.url(0)]], rate: options.rate, seconds: seconds, connections: 16)
        return .init(
            name: Scenario.latency.rawValue,
            summary: "\(Self.text(options.rate)) SMS/s for \(Self.text(seconds)) s, open loop", runs: [run],
            ratios: [
                .init(name: "p50 in ms", value: run.latency.map { $0.p50 / .milliseconds(1) }, goal: "at most 10"),
                .init(name: "p99 in ms", value: run.latency.map { $0.p99 / .milliseconds(1) }, goal: "at most 50"),
            ])
    }

    /// What one webhook that never answers does to 99 others.
    func tarpit() async throws -> BenchReport.Scenario {
        let seconds = options.seconds ?? 20
        let rate = options.rate / 10
        let healthy = (0..<10).map { user in (0..<10).map { sink.url(user * 10 + $0) } }
        var tarpit = healthy
        tarpit[0][0] = sink.hangingURL(0)
        let before = try await loaded("100 healthy", webhooks: healthy, rate: rate, seconds: seconds, connections: 16)
        let after = try await loaded(
            "99 healthy, 1 hangs", webhooks: tarpit, rate: rate, seconds: seconds, connections: 16, isFirstHanging: true
        )
        return .init(
            name: Scenario.tarpit.rawValue,
            summary:
                "100 webhooks of ten users, \(Self.text(rate)) SMS/s for \(Self.text(seconds)) s, each to ten webhooks",
            runs: [before, after],
            ratios: [
                .init(
                    name: "healthy p99 with / without the tarpit",
                    value: Self.quotient(
                        after.latency.map { $0.p99 / .milliseconds(1) },
                        before.latency.map { $0.p99 / .milliseconds(1) }
                    ), goal: "at most 1.30")
            ])
    }

    /// Loads a server over HTTP and waits for the deliveries.
    ///
    /// - Parameters:
    ///   - name: The run's.
    ///   - route: What is posted.
    ///   - webhooks: The callback URLs of each account.
    ///   - rate: SMS a second; nil is as many as are answered.
    ///   - seconds: For how long.
    ///   - connections: SMS under way at the same time at most.
    ///   - isFirstHanging: Whether the first account's first webhook is owed nothing, as it never answers.
    /// - Returns: What was measured.
    /// - Throws: ``BenchFailure`` when a process fails.
    func loaded(
        _ name: String, _ route: LoadPlan.Route = .receive, webhooks: [[String]], rate: Double?, seconds: Double,
        connections: Int, isFirstHanging: Bool = false
    ) async throws -> BenchRun {
        try await withServer("load") { server in
            var accounts: [BenchServer.Account] = []
            for (index, urls) in webhooks.enumerated() {
                accounts.append(try await server.makeAccount(index, webhooks: urls))
            }
            try await server.start()
            progress("\(name): load")
            let plan = await server.plan(route, accounts, connections: connections, rate: rate, seconds: seconds)
            let load = try await load(plan) {
                guard options.kill else { return }
                try await Task.sleep(for: .seconds(seconds / 2))
                progress("\(name): kill -9 and restart")
                try await server.killAndRestart()
            }
            progress("\(name): \(load.accepted) accepted, waiting for the rest of the deliveries")
            let fanOut: (Int) -> Int = { serial in
                let account = serial % webhooks.count
                return webhooks[account].count - (isFirstHanging && account == 0 ? 1 : 0)
            }
            let unaccepted = Set(load.unaccepted)
            let owed = (0..<load.sent).filter { !unaccepted.contains($0) }.reduce(0) { $0 + fanOut($1) }
            let arrivals = try await arrivals(owed)
            var run = BenchRun(name, load, arrivals, owed: owed)
            run.lost = arrivals.missing(below: load.sent, unaccepted: unaccepted, fanOut: fanOut)
            run.wasKilled = options.kill
            run.noteUsage(await server.usage(), of: arrivals.first.count)
            return run
        }
    }

    func noOpRoute(_ route: LoadPlan.Route, seconds: Double) async throws -> BenchRun {
        let child = try ChildProcess(["bench-noop"], output: folder.appendingPathComponent("noop.out"))
        do {
            guard let port = Int(try await child.firstLine()) else { throw BenchFailure("bench-noop printed no port") }
            let load = try await load(
                LoadPlan(
                    route: route, ports: [port],
                    accounts: [.init(apiKey: "uk_" + String(repeating: "x", count: 64), owner: "+18005551000")],
                    connections: options.connections, rate: nil, seconds: seconds))
            await child.stop()
            var run = BenchRun("no-op route", accepted: load.accepted)
            run.acceptedPerSecond = Double(load.accepted) / load.seconds
            return run
        } catch {
            await child.stop()
            throw error
        }
    }

    private static func text(_ value: Double) -> String { String(format: "%g", value) }
}

extension BenchRun {
    /// What a load and its deliveries were like; `owed` is how many there had to be.
    init(_ name: String, _ load: LoadResult, _ arrivals: Arrivals, owed: Int) {
        self.init(name, accepted: owed)
        acceptedPerSecond = Double(load.accepted) / load.seconds
        delivered = arrivals.first.count
        deliveredPerSecond = arrivals.perSecond()
        latency = arrivals.latency
        duplicates = arrivals.duplicates
    }
}
