import Storage

extension Benchmark {
    /// Pages of the dashboard, and where they are; `{webhook}` and `{owner}` are filled in.
    private static let views: [(name: String, path: String)] = [
        ("overview", "/"), ("webhooks", "/settings/webhooks"), ("one webhook", "/settings/webhooks/{webhook}"),
        ("events", "/events"), ("threads", "/messages?owner={owner}"),
        ("search", "/messages?owner={owner}&query=booked"),
        ("phones", "/phones"), ("users", "/users"), ("system", "/system"), ("account", "/account"),
    ]

    /// How long the pages of the dashboard take, for an account with very many messages and a fifth as many deliveries.
    func pages() async throws -> BenchReport.Scenario {
        let deliveries = max(1, options.messages / 5)
        let runs = try await withServer("pages") { server in
            let account = try await server.makeAccount(0, webhooks: [sink.url(0)])
            progress("pages: storing \(options.messages) messages")
            try await server.fillMessages(options.messages, of: account) { [progress] in progress("pages: \($0) stored")
            }
            try await server.fill(deliveries, of: account) { _ in }
            let cookie = try await server.signIn(account)
            try await server.start()
            progress("pages: delivering \(deliveries) events")
            _ = try await arrivals(deliveries)
            var runs: [BenchRun] = []
            for view in Self.views {
                progress("pages: \(view.name)")
                let path = view.path
                    .replacing("{webhook}", with: account.webhooks.first?.text ?? "")
                    .replacing("{owner}", with: "%2B\(account.owner.dropFirst())")
                runs.append(
                    try await timeRequests(view.name, path, of: account, headers: [("Cookie", cookie)], server))
            }
            return runs
        }
        return .init(
            name: Scenario.pages.rawValue,
            summary: "100 requests of each page, one after the other; \(options.messages) messages, most of one day",
            runs: runs,
            ratios: runs.map { run in
                .init(
                    name: "\(run.name): p95 in ms", value: run.latency.map { $0.p95 / .milliseconds(1) },
                    goal: "at most 50")
            })
    }
}
