import Delivery
import HTTPTypes
import Hummingbird
import NIOCore
import Secrets
import Storage
import Timestamps

/// `GET /metrics`: the Prometheus text format 0.0.4.
///
/// With METRICS_TOKEN open to whoever sends it as bearer token. Without one open to connections from this machine that ask
/// for it by one of its own names: a foreign name is a web site in a browser here (DNS rebinding). A request that a proxy
/// forwarded is not from this machine, whatever the connection says.
struct MetricsRoutes {
    let store: any Store
    let metrics: DeliveryMetrics
    let lookups: @Sendable () -> LookupCounts
    let clock: any WallClock
    let clocks: ClockGuard
    let refusals: PhoneReportRefusals
    let site: PageSite
    let token: Secret<String>?

    func add(to group: RouterGroup<APIContext>) {
        group.get("/metrics") { request, context in
            if let token {
                let given = AuthenticationMiddleware.bearerToken(request) ?? ""
                guard RandomToken.areEqual(given, token.exposed) else { throw HTTPError(.unauthorized) }
            } else if !context.isLocal || request.wasForwarded {
                throw HTTPError(.forbidden, message: "set METRICS_TOKEN to read metrics from elsewhere")
            } else if !site.isOwnName(request) {
                throw HTTPError(
                    .misdirectedRequest,
                    message: "ask for metrics at localhost, at an IP address, or at the name in APP_URL")
            }
            return Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(string: try await page())))
        }
    }

    private func page() async throws -> String {
        let (accounts, position, oldest, openFor) = try await store.read(.maintenance) { tx in
            (
                try Audit.accounts(in: tx), try EventLog.head(in: tx), try DeliveryQueries.oldestDue(in: tx),
                try SnapshotWatch.oldest(in: tx)
            )
        }
        let now = clock.now()
        let snapshot = metrics.snapshot
        var page = MetricsPage()
        page.add("httpsms_events_total", .counter, "Events accepted since the store was made.", [("", position)])
        page.add(
            "httpsms_attempts_total", .counter, "Attempts since the process started, by outcome.",
            snapshot.attempts.merging(["succeeded": 0]) { count, _ in count }.sorted { $0.key < $1.key }
                .map { ("outcome=\"\($0.key)\"", Int64($0.value)) })
        page.add(snapshot)
        let depth: [(String, KeyPath<Audit.Account, Int64>)] = [
            ("pending", \.pending), ("held", \.held), ("delivering", \.delivering), ("succeeded", \.succeeded),
            ("failed", \.failed), ("cancelled", \.cancelled), ("pruned", \.pruned),
        ]
        page.add(
            "httpsms_deliveries", .gauge, "Deliveries by state.",
            depth.map { state, path in ("state=\"\(state)\"", accounts.map { $0[keyPath: path] }.clampedSum()) })
        let age = oldest.map { max(.zero, now - $0).components.seconds } ?? 0
        page.add(
            "httpsms_oldest_due_delivery_age_seconds", .gauge,
            "How long the delivery has been due that has waited longest; held ones do not count.", [("", age)])
        page.add(
            "httpsms_deliveries_unaccounted", .gauge,
            "Deliveries that no counter and no row accounts for: 0, or a defect.",
            [("", accounts.map { abs($0.unaccounted) }.clampedSum())])
        page.add(
            "httpsms_results_refused_total", .counter, "Results that came too late.", [("", Int64(snapshot.refused))])
        page.add(
            "httpsms_attempts_not_made_total", .counter,
            "Attempts that did not count, as there was no socket, or no place for a lookup.",
            [("", Int64(snapshot.notMade))])
        page.add(lookups())
        let steps = clocks.steps
        page.add(
            "httpsms_clock_steps_total", .counter, "How often this machine's time of day was set, by direction.",
            [("direction=\"forward\"", Int64(steps.forward)), ("direction=\"back\"", Int64(steps.back))])
        page.add(
            "httpsms_clock_believed", .gauge, "Whether what is old by the time of day may be deleted.",
            [("", clocks.isBelieved ? 1 : 0)])
        page.add(
            "httpsms_leases_repaired_total", .counter,
            "Deliveries freed that were claimed without this node knowing, as when the answer to a COMMIT was lost.",
            [("", Int64(snapshot.repaired))])
        page.add(
            "httpsms_retention_deleted_total", .counter, "Deliveries deleted for their age, by the state they were in.",
            DeliveryState.allCases.map { ("state=\"\($0)\"", Int64(snapshot.pruned[$0] ?? 0)) })
        page.add(
            "httpsms_retention_deleted_events_total", .counter, "Events deleted for their age.",
            [("", Int64(snapshot.prunedEvents))])
        page.add(
            "httpsms_phone_reports_refused_total", .counter,
            "Reports of phones that were refused, and that the phone forgets, by route and reason.",
            refusals.counts.map {
                ("route=\"\($0.route.rawValue)\",reason=\"\($0.reason.rawValue)\"", Int64($0.count))
            })
        page.add(
            "httpsms_rows_unreadable_total", .counter, "Rows that could not be read and were passed over.",
            [("", Int64(snapshot.unreadable))])
        page.add(
            "httpsms_writes_waiting", .gauge, "Transactions that wait for the store.",
            WriteLane.Kind.allCases.map { ("lane=\"\($0)\"", Int64(store.waitingWrites($0))) })
        page.add(
            "httpsms_sqlite_log_bytes", .gauge, "Size of SQLite's log; readers may make it more than 64 MiB.",
            [("", Int64(store.logSize ?? 0))])
        page.add(
            "httpsms_postgresql_oldest_snapshot_seconds", .gauge,
            "How long the oldest transaction is open beside which PostgreSQL keeps all that is changed.",
            [("", openFor.components.seconds)])
        return page.text
    }
}

/// Lines of the Prometheus text format.
struct MetricsPage {
    private(set) var text = ""

    /// What Prometheus makes of a metric.
    enum Kind: String {
        case counter, gauge, histogram
    }

    /// Adds a metric with its samples, each with its labels.
    mutating func add(_ name: String, _ kind: Kind, _ help: String, _ samples: [(labels: String, value: Int64)]) {
        describe(name, kind, help)
        for sample in samples {
            text += sample.labels.isEmpty ? "\(name) \(sample.value)\n" : "\(name){\(sample.labels)} \(sample.value)\n"
        }
    }

    /// Adds the histogram of latencies.
    mutating func add(_ snapshot: DeliveryMetrics.Snapshot) {
        let name = "httpsms_delivery_latency_seconds"
        describe(name, .histogram, "From acceptance of an event to the endpoint's answer, of successes.")
        for (bound, count) in zip(DeliveryMetrics.bounds, snapshot.latencyBuckets) {
            text += "\(name)_bucket{le=\"\(bound)\"} \(count)\n"
        }
        text += "\(name)_bucket{le=\"+Inf\"} \(snapshot.latencyCount)\n"
        text += "\(name)_sum \(snapshot.latencySum)\n\(name)_count \(snapshot.latencyCount)\n"
    }

    /// Adds what is known of lookups of names.
    mutating func add(_ lookups: LookupCounts) {
        add(
            "httpsms_lookups_total", .counter, "Lookups of host names since the process started, by outcome.",
            [
                ("outcome=\"answered\"", Int64(lookups.answered)), ("outcome=\"not_found\"", Int64(lookups.notFound)),
                ("outcome=\"failed\"", Int64(lookups.failed)), ("outcome=\"timed_out\"", Int64(lookups.timedOut)),
                ("outcome=\"not_made\"", Int64(lookups.refused)),
            ])
        add("httpsms_lookups_running", .gauge, "Lookups of host names under way.", [("", Int64(lookups.running))])
        add(
            "httpsms_names_failing", .gauge, "Host names that are not looked up for a while, as that failed.",
            [("", Int64(lookups.failing))])
    }

    private mutating func describe(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }
}
