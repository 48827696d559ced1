import Foundation

extension Benchmark {
    /// How fast events that are due reach one endpoint, beside clients that only post.
    func deliver() async throws -> BenchReport.Scenario {
        let own = try await drain(options.events, name: "httpsms")
        var runs = [own]
        for client in BareClient.allCases {
            progress("deliver: \(client.rawValue)")
            try await sink.reset()
            _ = try await runChild(["bench-post", client.rawValue, "\(options.events)", sink.url(0)])
            let arrivals = Arrivals(try await sink.records())
            var run = BenchRun(client.rawValue, accepted: options.events)
            run.delivered = arrivals.first.count
            run.deliveredPerSecond = arrivals.perSecond()
            run.duplicates = arrivals.duplicates
            run.lost = arrivals.missing(below: options.events)
            runs.append(run)
        }
        func ratio(_ over: Int, goal: String) -> BenchReport.Ratio {
            .init(
                name: "\(own.name) / \(runs[over].name)",
                value: Self.quotient(own.deliveredPerSecond, runs[over].deliveredPerSecond), goal: goal)
        }
        return .init(
            name: Scenario.deliver.rawValue, summary: "\(options.events) events that are due, to one endpoint",
            runs: runs, ratios: [ratio(1, goal: "at least 0.60"), ratio(2, goal: "none")])
    }

    /// How much slower delivery is when very many events are due.
    func backlog() async throws -> BenchReport.Scenario {
        // Both leave the first deliveries out, while windows grow.
        let few = try await drain(10_000, name: "10000 due", skipping: 1_000)
        let many = try await drain(options.backlog, name: "\(options.backlog) due", skipping: 1_000)
        return .init(
            name: Scenario.backlog.rawValue, summary: "many events that are due against few, to one endpoint",
            runs: [few, many],
            ratios: [
                .init(
                    name: "\(many.name) / \(few.name)",
                    value: Self.quotient(many.deliveredPerSecond, few.deliveredPerSecond), goal: "at least 0.80")
            ])
    }

    /// Fills a store with events, starts the server on it, and waits until the sink has them.
    private func drain(_ count: Int, name: String, skipping skipped: Int = 0) async throws -> BenchRun {
        try await withServer("deliver") { server in
            let account = try await server.makeAccount(0, webhooks: [sink.url(0)])
            progress("\(name): storing \(count) events")
            try await server.fill(count, of: account) { [progress] stored in progress("\(name): \(stored) stored") }
            progress("\(name): delivering")
            try await server.start()
            if options.kill {
                try await sink.wait(for: count / 2)
                progress("\(name): kill -9 and restart")
                try await server.killAndRestart()
            }
            let arrivals = try await arrivals(count)
            var run = BenchRun(name, accepted: count)
            run.delivered = arrivals.first.count
            run.deliveredPerSecond = arrivals.perSecond(skipping: skipped)
            run.duplicates = arrivals.duplicates
            run.lost = arrivals.missing(below: count)
            run.wasKilled = options.kill
            run.noteUsage(await server.usage(), of: arrivals.first.count)
            return run
        }
    }

    static func quotient(_ left: Double?, _ right: Double?) -> Double? {
        guard let left, let right, right > 0 else { return nil }
        return left / right
    }
}

extension BenchRun {
    /// Notes what the server used for `deliveries`.
    mutating func noteUsage(_ usage: (cpuSeconds: Double, peakMemory: Int), of deliveries: Int) {
        peakMemory = usage.peakMemory
        cpuSecondsPerThousand = deliveries > 0 ? usage.cpuSeconds / Double(deliveries) * 1_000 : nil
    }
}
