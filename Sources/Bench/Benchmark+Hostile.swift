import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

extension Benchmark {
    /// What other accounts' worst uploads do to the requests of one that uploads nothing.
    func hostile() async throws -> BenchReport.Scenario {
        let uploads = try HostileUpload.all(in: folder)
        let runs = try await withServer("hostile") { server in
            let account = try await server.makeAccount(0, webhooks: [])
            var others: [BenchServer.Account] = []
            for index in 1...Self.uploads { others.append(try await server.makeAccount(index, webhooks: [])) }
            try await server.start()
            progress("hostile: quiet")
            let quiet = try await timeReads("quiet", of: account, server)
            progress("hostile: beside \(Self.uploads) uploads")
            let port = server.port
            // With connections of its own: those of the shared client are too few for all uploads and the reads.
            let client = HTTPClient()
            let beside = try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, other) in others.enumerated() {
                    group.addTask {
                        while !Task.isCancelled {
                            try await Self.send(uploads[index % uploads.count], of: other, to: port, by: client)
                        }
                    }
                }
                // Until the first uploads are there.
                try await Task.sleep(for: .seconds(1))
                let run = try await timeReads("beside \(Self.uploads) uploads", of: account, server)
                group.cancelAll()
                return run
            }
            try await client.shutdown()
            return [quiet, beside]
        }
        let ratio = runs[0].latency.flatMap { quiet in runs[1].latency.map { $0.p99 / quiet.p99 } }
        return .init(
            name: Scenario.hostile.rawValue,
            summary:
                "\(Self.reads) times GET /v1/users/me, one after the other, beside the worst uploads of other accounts",
            runs: runs,
            ratios: runs.map { run in
                .init(name: "\(run.name): p99 in ms", value: run.latency.map { $0.p99 / .milliseconds(1) }, goal: "")
            } + [.init(name: "p99 beside uploads / quiet", value: ratio, goal: "at most 3")])
    }

    private func timeReads(
        _ name: String, of account: BenchServer.Account, _ server: BenchServer
    ) async throws -> BenchRun {
        var times: [Duration] = []
        for _ in 0..<Self.reads { times.append(try await server.time(.GET, "/v1/users/me", of: account)) }
        var run = BenchRun(name, accepted: times.count)
        run.latency = Percentiles(times)
        run.noteUsage(await server.usage(), of: times.count)
        return run
    }

    /// Whatever the answer is: all of them are refused in the end.
    private static func send(
        _ upload: HostileUpload, of account: BenchServer.Account, to port: Int, by client: HTTPClient
    ) async throws {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(upload.path)")
        request.method = .POST
        request.headers = HTTPHeaders([
            ("x-api-key", account.apiKey), ("Content-Type", upload.contentType),
        ])
        request.body = .bytes(upload.body)
        do {
            let response = try await client.execute(request, timeout: .seconds(60))
            _ = try await response.body.collect(upTo: 16 << 20)
        } catch {
            // The last ones are given up when all is measured.
            if !Task.isCancelled { throw error }
        }
    }

    /// As many uploads at the same time.
    private static let uploads = 8
    /// So many that ten are beyond the 99th percentile.
    private static let reads = 1_000
}
