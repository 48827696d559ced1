import Foundation
import NIOHTTP1

extension Benchmark {
    /// How many messages to send the server takes, beside a route that does nothing.
    func send() async throws -> BenchReport.Scenario {
        let seconds = options.seconds ?? 10
        let own = try await loaded(
            "httpsms", .send, webhooks: [[]], rate: nil, seconds: seconds, connections: options.connections)
        progress("send: no-op route")
        let noOp = try await noOpRoute(.send, seconds: seconds)
        return .init(
            name: Scenario.send.rawValue,
            summary: "\(options.connections) connections post messages to send, closed loop", runs: [own, noOp],
            ratios: [
                .init(
                    name: "\(own.name) / \(noOp.name)",
                    value: Self.quotient(own.acceptedPerSecond, noOp.acceptedPerSecond), goal: "at least 0.20")
            ])
    }

    /// How long a file of 1,000 rows takes, from the request to the answer.
    func upload() async throws -> BenchReport.Scenario {
        let form = Self.form(rows: 1_000)
        let run = try await withServer("upload") { server in
            let account = try await server.makeAccount(0, webhooks: [])
            try await server.start()
            var times: [Duration] = []
            for _ in 0..<20 {
                times.append(
                    try await server.time(
                        .POST, "/v1/bulk-messages", of: account,
                        headers: [("Content-Type", "multipart/form-data; boundary=x")], body: form))
            }
            var run = BenchRun("1,000 rows of CSV", accepted: times.count)
            run.latency = Percentiles(times)
            run.noteUsage(await server.usage(), of: times.count * 1_000)
            return run
        }
        return .init(
            name: Scenario.upload.rawValue, summary: "20 uploads, one after the other, all for one phone", runs: [run],
            ratios: [
                .init(name: "p99 in ms", value: run.latency.map { $0.p99 / .milliseconds(1) }, goal: "at most 1000")
            ])
    }

    private static func form(rows: Int) -> [UInt8] {
        let owner = BenchMessage.owner(0)
        let lines = (0..<rows).map {
            "\(owner),+1800556\(1_000 + $0 % 9_000),Your table is booked for half past seven,,"
        }
        return Array(
            """
            --x\r\nContent-Disposition: form-data; name="document"; filename="bench.csv"\r\n\r\n\
            FromPhoneNumber,ToPhoneNumber,Content,SendTime(optional),AttachmentURLs(optional)
            \(lines.joined(separator: "\n"))\r\n--x--\r\n
            """.utf8)
    }

    /// What a page of each list is asked for with.
    private static let pages: [(name: String, path: String)] = [
        ("messages", "/v1/messages?owner={owner}&contact=%2B18005560042"),
        ("threads", "/v1/message-threads?owner={owner}"),
        ("search, newest first", "/v1/messages/search?limit=20&sort_descending=true"),
        ("search, common text", "/v1/messages/search?limit=20&query=booked"),
        ("search, rare text", "/v1/messages/search?limit=20&query=elephant"),
    ]

    /// How much slower lists and searches are when an account has very many messages.
    func lists() async throws -> BenchReport.Scenario {
        let few = try await timeLists(10_000)
        let many = try await timeLists(options.messages)
        let ratios = zip(zip(few, many), Self.pages).map { runs, page in
            BenchReport.Ratio(
                name: "\(page.name): p50 with \(options.messages) / with 10000",
                value: Self.quotient(
                    runs.1.latency.map { $0.p50 / .milliseconds(1) }, runs.0.latency.map { $0.p50 / .milliseconds(1) }),
                goal: "at most 3")
        }
        return .init(
            name: Scenario.lists.rawValue, summary: "100 requests of each kind, one after the other, by one account",
            runs: few + many, ratios: ratios)
    }

    private func timeLists(_ count: Int) async throws -> [BenchRun] {
        try await withServer("lists") { server in
            let account = try await server.makeAccount(0, webhooks: [])
            progress("lists: storing \(count) messages")
            try await server.fillMessages(count, of: account) { [progress] in progress("lists: \($0) stored") }
            try await server.start()
            var runs: [BenchRun] = []
            for page in Self.pages {
                progress("lists: \(page.name) among \(count)")
                let path = page.path.replacing("{owner}", with: "%2B\(account.owner.dropFirst())")
                var times: [Duration] = []
                // The first requests open the connection and fill caches.
                for index in -5..<100 {
                    let time = try await server.time(.GET, path, of: account)
                    if index >= 0 { times.append(time) }
                }
                var run = BenchRun("\(page.name), \(count)", accepted: times.count)
                run.latency = Percentiles(times)
                runs.append(run)
            }
            return runs
        }
    }
}
