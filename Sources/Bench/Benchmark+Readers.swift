import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

extension Benchmark {
    /// What an account that searches as fast as it can does to the deliveries of another.
    func readers() async throws -> BenchReport.Scenario {
        let seconds = options.seconds ?? 20
        let rate = options.rate / 5
        let runs = try await withServer("readers") { server in
            // The same SMS twice would be a repetition to one account.
            let first = try await server.makeAccount(0, webhooks: [sink.url(0)])
            let second = try await server.makeAccount(1, webhooks: [sink.url(1)])
            let reader = try await server.makeAccount(2, webhooks: [])
            progress("readers: storing \(options.messages) messages")
            try await server.fillMessages(options.messages, of: reader) { _ in }
            try await server.start()
            progress("readers: quiet")
            let quiet = try await deliveries(
                "quiet", of: await server.plan(.receive, [first], connections: 16, rate: rate, seconds: seconds))
            try await sink.reset()
            progress("readers: beside \(Self.searches) searches at a time")
            let client = HTTPClient()
            let beside = try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<Self.searches {
                    group.addTask { try await Self.search(as: reader, at: server.port, by: client) }
                }
                let run = try await deliveries(
                    "beside \(Self.searches) searches",
                    of: await server.plan(.receive, [second], connections: 16, rate: rate, seconds: seconds))
                group.cancelAll()
                return run
            }
            try await client.shutdown()
            return [quiet, beside]
        }
        return .init(
            name: Scenario.readers.rawValue,
            summary:
                "\(Int(rate)) SMS/s for \(Int(seconds)) s, while another account searches \(options.messages) messages",
            runs: runs,
            ratios: [
                .init(
                    name: "p99 beside searches / quiet",
                    value: Self.quotient(
                        runs[1].latency.map { $0.p99 / .milliseconds(1) },
                        runs[0].latency.map { $0.p99 / .milliseconds(1) }),
                    goal: "at most 1.30")
            ])
    }

    /// Loads the server as `plan` says and waits until all of it was delivered.
    private func deliveries(_ name: String, of plan: LoadPlan) async throws -> BenchRun {
        let load = try await load(plan)
        let arrivals = try await arrivals(load.accepted)
        var run = BenchRun(name, load, arrivals, owed: load.accepted)
        run.lost = load.accepted - arrivals.first.count
        return run
    }

    /// Searches for what no index helps with, again and again, whatever the answer is, until the task is cancelled.
    private static func search(as account: BenchServer.Account, at port: Int, by client: HTTPClient) async throws {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/v1/messages/search?limit=20&query=zq")
        request.headers.add(name: "x-api-key", value: account.apiKey)
        while !Task.isCancelled {
            do {
                let response = try await client.execute(request, timeout: .seconds(60))
                _ = try await response.body.collect(upTo: 16 << 20)
            } catch {
                if !Task.isCancelled { throw error }
            }
        }
    }

    /// Searches under way at the same time.
    private static let searches = 8
}
