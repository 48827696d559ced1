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
        ("newest first", "/v1/messages/search?limit=20&sort_descending=true"),
        ("common text", "/v1/messages/search?limit=20&query=booked"),
        ("rare text", "/v1/messages/search?limit=20&query=elephant"),
        ("rare text, newest first", "/v1/messages/search?limit=20&query=ELEPHANT&sort_descending=true"),
        ("one text", "/v1/messages/search?limit=20&query=%23{serial}"),
        ("one number, spelled otherwise", "/v1/messages/search?limit=20&query=001%20(800)%20556-0042"),
        ("no text", "/v1/messages/search?limit=20&query=giraffe"),
        ("two letters that nobody has", "/v1/messages/search?limit=20&query=zq"),
    ]

    /// How much slower lists and searches are in a store with very many messages: for an account with 10,000 of them,
    /// and for one that has all the others.
    func lists() async throws -> BenchReport.Scenario {
        guard let url = options.databaseURL else { return try await lists(on: nil) }
        return try await withSchema(of: url) { try await lists(on: $0) }
    }

    private func lists(on postgres: String?) async throws -> BenchReport.Scenario {
        var runs: [BenchRun] = []
        try await withServer("lists", postgres: postgres) { server in
            let small = try await server.makeAccount(0, webhooks: [])
            let large = try await server.makeAccount(1, webhooks: [])
            progress("lists: storing 10000 messages")
            try await server.fillMessages(10_000, of: small) { _ in }
            try await server.start()
            runs += try await timePages(of: small, "alone", server)
            await server.stop()
            progress("lists: storing \(options.messages) messages")
            try await server.fillMessages(options.messages, of: large) { [progress] in progress("lists: \($0) stored") }
            try await server.start()
            runs += try await timePages(of: small, "among \(options.messages)", server)
            runs += try await timePages(of: large, "of \(options.messages)", server)
        }
        let count = Self.pages.count
        let ratios = Self.pages.indices.flatMap { index in
            [("small account: p50 among others / alone", count), ("large / small account: p50", 2 * count)].map {
                BenchReport.Ratio(
                    name: "\(Self.pages[index].name), \($0.0)",
                    value: Self.quotient(
                        runs[index + $0.1].latency.map { $0.p50 / .milliseconds(1) },
                        runs[index].latency.map { $0.p50 / .milliseconds(1) }), goal: "at most 3")
            }
        }
        return .init(
            name: Scenario.lists.rawValue,
            summary: "100 requests of each kind, one after the other; an account with 10000 messages, and a large one",
            runs: runs, ratios: ratios)
    }

    private func timePages(of account: BenchServer.Account, _ what: String, _ server: BenchServer) async throws
        -> [BenchRun]
    {
        var runs: [BenchRun] = []
        for page in Self.pages {
            progress("lists: \(page.name), \(what)")
            let path = page.path.replacing("{owner}", with: "%2B\(account.owner.dropFirst())")
                .replacing("{serial}", with: BenchMessage.serialText(777))
            runs.append(try await timeRequests("\(page.name), \(what)", path, of: account, server))
        }
        return runs
    }

    /// How long 100 requests for `path` take, one after the other.
    func timeRequests(
        _ name: String, _ path: String, of account: BenchServer.Account, headers: [(String, String)] = [],
        _ server: BenchServer
    ) async throws -> BenchRun {
        var times: [Duration] = []
        // The first requests open the connection and fill caches.
        for index in -5..<100 {
            let time = try await server.time(.GET, path, of: account, headers: headers)
            if index >= 0 { times.append(time) }
        }
        var run = BenchRun(name, accepted: times.count)
        run.latency = Percentiles(times)
        return run
    }
}
