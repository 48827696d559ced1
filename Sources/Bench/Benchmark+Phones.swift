import NIOHTTP1
import Server

extension Benchmark {
    /// What phones with the SMSGate app cost: streams that say nothing, how soon one is told of a message, polls and pings.
    func phones() async throws -> BenchReport.Scenario {
        let seconds = options.seconds ?? 20
        // Each stream is a connection of this process: its limit of open files is raised.
        _ = ConnectionLimits.connectionsForOpenFiles()
        let (runs, shares) = try await withServer("phones") { server in
            var accounts: [BenchServer.Account] = []
            for index in 0..<Self.accounts { accounts.append(try await server.makeAccount(index, webhooks: [])) }
            try await server.start()
            progress("phones: connecting \(Self.phones) phones")
            let phones = try await connect(to: accounts, server)
            let streams = BenchStreams()
            for (index, phone) in phones.enumerated() { try await streams.open(phone, index: index, at: server.port) }
            progress("phones: \(phones.count) streams are open, nothing is sent")
            let idle = try await self.idle(seconds, server)
            progress("phones: \(Int(rate)) messages a second")
            let told = try await tell(phones, streams, seconds: seconds, server)
            progress("phones: polls and pings")
            let asked = try await poll(phones, server)
            return ([idle.run, told, asked.run], [idle.share, asked.share])
        }
        return .init(
            name: Scenario.phones.rawValue,
            summary: "\(Self.phones) phones with a stream each, of \(Self.accounts) accounts", runs: runs,
            ratios: [
                .init(name: "idle streams: % of a core", value: shares[0] * 100, goal: "at most 2"),
                .init(
                    name: "idle streams: MiB", value: runs[0].peakMemory.map { Double($0) / 1_048_576 },
                    goal: "at most 200"),
                .init(
                    name: "from send to the stream: p99 in ms",
                    value: runs[1].latency.map { $0.p99 / .milliseconds(1) }, goal: "at most 20"),
                .init(
                    name: "polls and pings of 10,000 phones in 15 minutes: % of a core", value: shares[1] * 100,
                    goal: "at most 5"),
            ])
    }

    private func connect(to accounts: [BenchServer.Account], _ server: BenchServer) async throws -> [BenchPhone] {
        var phones: [BenchPhone] = []
        for index in 0..<Self.phones {
            phones.append(
                try await BenchPhone(
                    "+1800556\(1_000 + index)", of: accounts[index % accounts.count], at: server.port))
        }
        return phones
    }

    /// What the server does while nobody wants anything.
    private func idle(_ seconds: Double, _ server: BenchServer) async throws -> (run: BenchRun, share: Double) {
        // What opening them has left to do.
        try await Task.sleep(for: .seconds(2))
        let before = await server.usage()
        let start = ContinuousClock.now
        try await Task.sleep(for: .seconds(seconds))
        let after = await server.usage()
        var run = BenchRun("streams, nothing sent", accepted: Self.phones)
        run.peakMemory = after.peakMemory
        return (run, (after.cpuSeconds - before.cpuSeconds) / (start.duration(to: .now) / .seconds(1)))
    }

    /// Sends messages to phones in turn; each fetches what it is told of.
    private func tell(
        _ phones: [BenchPhone], _ streams: BenchStreams, seconds: Double, _ server: BenchServer
    ) async throws -> BenchRun {
        let count = min(Int(seconds * rate), phones.count)
        let before = await server.usage()
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var missing = count
                for await index in streams.told {
                    try await phones[index].poll()
                    missing -= 1
                    if missing == 0 { return }
                }
            }
            group.addTask {
                try await Task.sleep(for: .seconds(seconds + 30))
                throw BenchFailure("\(streams.times.count) of \(count) messages were told within 30 s")
            }
            for index in 0..<count {
                try await Task.sleep(until: start + .seconds(Double(index) / rate), clock: .continuous)
                streams.note(index)
                let phone = phones[index]
                _ = try await server.time(
                    .POST, "/v1/messages/send", of: phone.account, headers: [("Content-Type", "application/json")],
                    body: Array(##"{"from":"\##(phone.number)","to":"+18005550100","content":"#\##(index)"}"##.utf8))
            }
            try await group.next()
            group.cancelAll()
        }
        var run = BenchRun("from send to the stream", accepted: count)
        run.latency = Percentiles(streams.times)
        let after = await server.usage()
        run.noteUsage((after.cpuSeconds - before.cpuSeconds, after.peakMemory), of: count)
        return run
    }

    /// What the polls and pings of 10,000 phones would cost in 15 minutes, from those of fewer, one after the other. In that time
    /// the app polls once, and pings and then polls again; whoever was not heard lately is noted anew.
    private func poll(_ phones: [BenchPhone], _ server: BenchServer) async throws -> (run: BenchRun, share: Double) {
        await server.stop()
        try await server.silencePhones(for: .seconds(600))
        try await server.start()
        // What the start has left to do.
        try await Task.sleep(for: .seconds(2))
        let before = await server.usage()
        for phone in phones {
            try await phone.poll()
            try await phone.ping()
            try await phone.poll()
        }
        let after = await server.usage()
        let used = after.cpuSeconds - before.cpuSeconds
        var run = BenchRun("polls and a ping", accepted: phones.count)
        run.noteUsage((used, after.peakMemory), of: phones.count)
        return (run, used / Double(phones.count) * 10_000 / 900)
    }

    /// Messages a second for phones that are told by their streams: each phone takes part once.
    private var rate: Double { options.rate / 10 }

    private static let phones = 1_000
    /// An account has 100 devices at most.
    private static let accounts = 10
}
