import TestSupport
import Testing
import Wire

/// `GET /metrics`: who may read it, and that it counts.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct MetricsTests {
    @Test func metricsAreOpenOnLoopbackAndInThePrometheusFormat() async throws {
        try await withServer { server in
            let answer = try await server.client.get("/metrics")

            #expect(answer.status == 200)
            #expect(answer.header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
            let samples = answer.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
            let values = samples.map { $0.split(separator: " ").map(String.init) }
            #expect(values.allSatisfy { $0.count == 2 && Double($0[1]) != nil })
        }
    }

    @Test(arguments: [
        "X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Via", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP",
    ])
    func aForwardedRequestIsNotLocal(_ field: String) async throws {
        try await withServer { server in
            let answer = try await server.client.send("GET", "/metrics", headers: [(field, "203.0.113.7")])

            #expect(answer.status == 403)
        }
    }

    @Test func aWebSiteInABrowserOfThisMachineDoesNotReadThem() async throws {
        try await withServer { server in
            let foreign = try await server.client.send(
                "GET", "/metrics", headers: [("Host", "evil.example"), ("Origin", "https://evil.example")])
            let own = try await server.client.send("GET", "/metrics", headers: [("Origin", "https://evil.example")])

            #expect(foreign.status == 421)
            #expect(own.status == 200)
            for answer in [foreign, own] { #expect(answer.header("Access-Control-Allow-Origin") == nil) }
        }
    }

    @Test func theTokenIsNeededWhereOneIsSet() async throws {
        try await withServer(["METRICS_TOKEN": "0123456789abcdef"]) { server in
            let none = try await server.client.get("/metrics")
            let wrong = try await server.client.send("GET", "/metrics", headers: [("Authorization", "Bearer x")])
            let right = try await server.client.send(
                "GET", "/metrics", headers: [("Authorization", "Bearer 0123456789abcdef")])

            #expect(none.status == 401)
            #expect(wrong.status == 401)
            #expect(right.status == 200)
        }
    }

    @Test func eventsAttemptsAndDeliveriesAreCounted() async throws {
        try await withServer { server in
            try await WebhookReceiver.run { receiver in
                let account = try await server.makeAccount()
                let phone = try await account.makePhone()
                try await account.makeWebhook(receiver.url())
                _ = try await phone.receive(["from": "+18005550100", "content": "Hi"])
                _ = try await receiver.event("message.phone.received")
                try await server.untilNumbered()

                // The rows are read before the counters, so the attempt may be counted while its delivery is not.
                let page = try await eventually("the attempt and its delivery are counted") {
                    () async throws -> String? in
                    let text = try await server.client.get("/metrics").text
                    let isThere = ["attempts_total{outcome", "deliveries{state"].allSatisfy {
                        text.contains("\nhttpsms_\($0)=\"succeeded\"} 1\n")
                    }
                    return isThere ? text : nil
                }

                #expect(page.contains("\nhttpsms_events_total 1\n"))
                #expect(page.contains("\nhttpsms_events_accepted_total{type=\"message.phone.received\"} 1\n"))
                #expect(page.contains("\nhttpsms_events_accepted_total{type=\"message.phone.sent\"} 0\n"))
                #expect(page.contains("\nhttpsms_deliveries_ended_total{state=\"succeeded\"} 1\n"))
                #expect(page.contains("\nhttpsms_deliveries{state=\"delivering\"} 0\n"))
                #expect(page.contains("\nhttpsms_delivery_latency_seconds_count 1\n"))
                #expect(page.contains("\nhttpsms_deliveries_unaccounted 0\n"))
                #expect(page.contains("\nhttpsms_lookups_running 0\n"))
                #expect(page.contains("\nhttpsms_names_failing 0\n"))
                #expect(page.contains("\nhttpsms_lookups_total{outcome=\"timed_out\"} 0\n"))
            }
        }
    }

    /// It took as long as nobody looked, which says nothing of the server.
    @Test func aRetryByHandIsAnEndAndNoLatency() async throws {
        try await withWebhookServer { _, count in
            .status(count == 0 ? 400 : 200)
        } body: { server, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.receive("1", on: phone)
            let id = try await account.newest(webhook, is: "failed")["id"].string
            _ = try await account.client.send("POST", "/v1/deliveries/\(id)/retry")
            _ = try await account.delivery(id, is: "succeeded")

            let page = try await eventually("the second attempt is counted") {
                let text = try await server.client.get("/metrics").text
                return text.contains("\nhttpsms_attempts_total{outcome=\"succeeded\"} 1\n") ? text : nil
            }

            #expect(page.contains("\nhttpsms_deliveries_ended_total{state=\"failed\"} 1\n"))
            #expect(page.contains("\nhttpsms_deliveries_ended_total{state=\"succeeded\"} 1\n"))
            #expect(page.contains("\nhttpsms_delivery_latency_seconds_count 0\n"))
        }
    }

    @Test(arguments: Engine.enabled) func phonesAndSMSThatWaitAreSeen(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let before = try await server.client.get("/metrics").text
            _ = try await phone.client.post(
                "/v1/heartbeats", ["phone_numbers": ["+18005550199"], "charging": true])

            let after = try await server.client.get("/metrics").text

            #expect(before.contains("\nhttpsms_phones{state=\"online\"} 0\n"))
            #expect(after.contains("\nhttpsms_phones{state=\"online\"} 1\n"))
            #expect(after.contains("\nhttpsms_phones{state=\"offline\"} 0\n"))
            #expect(after.contains("\nhttpsms_oldest_unsent_message_age_seconds 0\n"))
            #expect(after.contains("\nhttpsms_disk_free_bytes ") == (engine == .sqlite))
            let build = "version=\"\(ServerVersion.current)\",store=\"\(engine)\""
            #expect(after.contains("\nhttpsms_build_info{\(build)} 1\n"))
        }
    }
}
