import Delivery
import Hummingbird
import Storage
import Timestamps

/// The first page: what happened in the last 24 hours, what waits, and what needs somebody's attention.
struct OverviewRoutes: Sendable {
    let store: any Store
    let access: AccessOperations
    /// Whether the server has Firebase.
    let pushes: Bool
    let views: PageViews

    private struct Content {
        let hasPhones: Bool
        let hasWebhooks: Bool
        /// Nil when all is well.
        let attention: Attention?
        let figures: [Number]
        let charts: [Chart]

        struct Attention {
            /// What no outgoing message reaches.
            let unreached: [ReachLine]
            let phones: [Trouble]
            let webhooks: [Trouble]
        }

        struct Trouble {
            let path: String
            let name: String
            let status: String
            let text: String
        }

        struct Number {
            let name: String
            let value: String
            let note: String
        }

        struct Chart {
            let id: String
            let title: String
            let isEmpty: Bool
            let chart: HourChart
        }
    }

    func add(to group: RouterGroup<PageContext>) {
        group.get("/") { _, context in
            guard context.session != nil else {
                return try await access.isFirstRun() ? Response.seeOther("/first-run") : Response.seeOther("/sign-in")
            }
            return try await overview(SignedInContext(context: context))
        }
    }

    private func overview(_ context: SignedInContext) async throws -> Response {
        let userID = context.userID
        let (overview, troubles) = try await store.read(.user(userID)) { [pushes] tx in
            (
                try OverviewQueries.overview(of: userID, in: tx),
                try ReachLine.troubles(of: userID, pushes: pushes, areBad: true, in: tx)
            )
        }
        return views.page(
            "overview", "Overview",
            Content(
                hasPhones: overview.phones > 0, hasWebhooks: overview.webhooks > 0,
                attention: attention(overview, troubles),
                figures: figures(overview), charts: charts(overview)), context)
    }

    private func attention(_ overview: Overview, _ troubles: [ReachLine]) -> Content.Attention? {
        if overview.silentPhones.isEmpty, overview.troubledWebhooks.isEmpty, troubles.isEmpty { return nil }
        return Content.Attention(
            unreached: troubles,
            phones: overview.silentPhones.map {
                .init(
                    path: "/phones/\($0.id)", name: $0.number, status: "offline",
                    text: "silent since \(PageTime.shown($0.lastHeartbeatAt))")
            },
            webhooks: overview.troubledWebhooks.map { webhook in
                let isFailing = webhook.status == .active
                return .init(
                    path: "\(WebhookPages.path)/\(webhook.id)", name: webhook.url,
                    status: isFailing ? "failing" : "\(webhook.status)",
                    text: webhook.reason ?? webhook.failingSince.map { "failing since \(PageTime.shown($0))" } ?? "")
            })
    }

    private func figures(_ overview: Overview) -> [Content.Number] {
        func messages(_ type: MessageType) -> String {
            Figure.shown(overview.messages.filter { $0.type == type }.map(\.count).clampedSum())
        }
        let day = "in the last 24 hours"
        let silent = overview.silentPhones.count
        let troubled = overview.troubledWebhooks.count
        // What was made a moment ago is due, and not late.
        let overdue = overview.oldestDue.map { overview.now - $0 }.flatMap { $0 > .seconds(10) ? $0 : nil }
        return [
            .init(name: "Messages sent", value: messages(.mobileTerminated), note: day),
            .init(name: "Messages received", value: messages(.mobileOriginated), note: day),
            .init(name: "Missed calls", value: messages(.missedCall), note: day),
            .init(
                name: "Phones", value: Figure.shown(overview.phones),
                note: silent == 0 ? "none offline" : "\(silent) offline"),
            .init(
                name: "Webhooks", value: Figure.shown(overview.webhooks),
                note: troubled == 0 ? "none in trouble" : "\(troubled) in trouble"),
            .init(
                name: "Deliveries made", value: Figure.shown(overview.ended.map(\.succeeded).clampedSum()), note: day
            ),
            .init(
                name: "Deliveries failed", value: Figure.shown(overview.ended.map(\.failed).clampedSum()), note: day),
            .init(
                name: "Deliveries waiting", value: Figure.shown(overview.open),
                note: overdue.map { "the oldest is due for \(Figure.shown($0))" } ?? "none is overdue"),
        ]
    }

    private func charts(_ overview: Overview) -> [Content.Chart] {
        var messages: [Timestamp: (lower: Int64, upper: Int64)] = [:]
        for made in overview.messages {
            if made.type == .mobileTerminated { messages[made.hour, default: (0, 0)].lower += made.count }
            if made.type == .mobileOriginated { messages[made.hour, default: (0, 0)].upper += made.count }
        }
        var deliveries: [Timestamp: (lower: Int64, upper: Int64)] = [:]
        for ended in overview.ended {
            deliveries[ended.hour, default: (0, 0)].lower += ended.succeeded
            deliveries[ended.hour, default: (0, 0)].upper += ended.failed
        }
        func chart(
            _ id: String, _ title: String, _ counts: [Timestamp: (lower: Int64, upper: Int64)],
            _ lower: HourChart.Series, _ upper: HourChart.Series
        ) -> Content.Chart {
            let chart = HourChart(counts, lower: lower, upper: upper, now: overview.now, height: 96, step: 20)
            return Content.Chart(id: id, title: title, isEmpty: chart.bars.isEmpty, chart: chart)
        }
        return [
            chart(
                "messages", "Messages by the hour", messages, .init(kind: "one", name: "sent"),
                .init(kind: "two", name: "received")),
            chart(
                "deliveries", "Deliveries by the hour", deliveries, .init(kind: "good", name: "succeeded"),
                .init(kind: "bad", name: "failed")),
        ]
    }
}
