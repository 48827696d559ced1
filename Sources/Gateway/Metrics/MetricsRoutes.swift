import Delivery
import HTTPSMSWebhooks
import HTTPTypes
import Hummingbird
import NIOCore
import Secrets
import Storage
import Timestamps
import Wire

/// `GET /metrics`: the Prometheus text format 0.0.4.
///
/// With METRICS_TOKEN open to whoever sends it as bearer token. Without one open to connections from this machine that ask
/// for it by one of its own names: a foreign name is a web site in a browser here (DNS rebinding). A request that a proxy
/// forwarded is not from this machine, whatever the connection says.
struct MetricsRoutes: Sendable {
    let store: any Store
    let metrics: DeliveryMetrics
    let lookups: @Sendable () -> LookupCounts
    let clock: any WallClock
    let clocks: ClockGuard
    let refusals: PhoneReportRefusals
    let health: @Sendable () -> ServerHealth
    let startedAt: Timestamp
    let site: ServerSite
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
        let (accounts, position, oldest, openFor, phones, planned) = try await store.read(.maintenance) { tx in
            (
                try Audit.accounts(in: tx), try EventLog.head(in: tx), try DeliveryQueries.oldestDue(in: tx),
                try SnapshotWatch.oldest(in: tx), try HeartbeatQueries.counts(in: tx),
                try MessageQueries.overdue(in: tx)
            )
        }
        let now = clock.now()
        let snapshot = metrics.snapshot
        var page = MetricsPage()
        page.add(
            "httpsms_build_info", .gauge, "Which program this is, and on what it stores; always 1.",
            [("version=\"\(ServerVersion.current)\",store=\"\(store is SQLiteStore ? "sqlite" : "postgresql")\"", 1)])
        page.add(
            "process_start_time_seconds", .gauge, "When the process started, in seconds since 1970.",
            [("", startedAt.seconds)])
        page.add("httpsms_events_total", .counter, "Events accepted since the store was made.", [("", position)])
        page.add(
            "httpsms_events_accepted_total", .counter,
            "Events that this process accepted, by type: what became of messages, calls and phones.",
            MetricsPage.samples(
                store.wakeups.counts.counts(of: "events"), EventType.allCases.map(\.rawValue), as: "type"))
        page.add(
            "httpsms_phones", .gauge, "Phones that sent a heartbeat at some time, by whether they still do.",
            [("state=\"online\"", phones.online), ("state=\"offline\"", phones.offline)])
        page.add(
            "httpsms_oldest_unsent_message_age_seconds", .gauge,
            "How long the outgoing SMS has waited, past its time, that has waited longest for its phone.",
            [("", planned.map { max(.zero, now - $0).components.seconds } ?? 0)])
        page.add(
            "httpsms_pushes_total", .counter, "Pushes to phones since the process started, by outcome.",
            MetricsPage.samples(
                store.wakeups.counts.counts(of: "pushes"), PushAnswer.Outcome.allCases.map(\.rawValue), as: "outcome"))
        page.add(
            "httpsms_attempts_total", .counter, "Attempts since the process started, by outcome.",
            MetricsPage.samples(snapshot.attempts.mapValues { Int64($0) }, ["succeeded"], as: "outcome"))
        page.add(snapshot)
        page.add(
            "httpsms_deliveries_ended_total", .counter,
            "Deliveries that an attempt ended since the process started, by how.",
            [DeliveryState.succeeded, .failed].map { ("state=\"\($0)\"", Int64(snapshot.ended[$0] ?? 0)) })
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
        let health = health()
        // Without a sample where there is no such thing.
        var free: [(labels: String, value: Int64)] = []
        if let bytes = health.freeBytes { free.append(("", bytes)) }
        if let bytes = health.freeBytesOfFiles { free.append(("folder=\"attachments\"", bytes)) }
        page.add("httpsms_disk_free_bytes", .gauge, "Bytes that are free where this server stores.", free)
        page.add(
            "httpsms_certificate_expires_timestamp_seconds", .gauge,
            "Until when the server's own certificate is valid, in seconds since 1970.",
            health.certificateUntil.map { [("", $0.seconds)] } ?? [])
        return page.text
    }
}
