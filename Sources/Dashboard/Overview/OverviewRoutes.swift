import Delivery
import Gateway
import Hummingbird
import Storage
import Timestamps

/// The first page: what happened in the last 24 hours, what waits, and what needs somebody's attention.
struct OverviewRoutes: Sendable {
    let store: any Store
    let access: AccessOperations
    let queries: AttentionQueries
    let site: ServerSite
    let views: PageViews

    private struct Content {
        /// Nil when all are done.
        let first: FirstSteps?
        /// Nil when all is well.
        let attention: AttentionLines?
        let figures: [Number]
        let charts: [Chart]

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
            guard let session = context.session else {
                return try await access.isFirstRun() ? Response.seeOther("/first-run") : Response.seeOther("/sign-in")
            }
            // Members of a team come for the conversations.
            if session.role != .owner { return Response.seeOther("/messages") }
            return try await overview(SignedInContext(context: context))
        }
    }

    private func overview(_ context: SignedInContext) async throws -> Response {
        let userID = context.userID
        let (overview, facts, attention) = try await store.read(.user(userID)) { [queries] tx in
            let overview = try OverviewQueries.overview(of: userID, in: tx)
            return (
                overview,
                try OverviewQueries.facts(
                    of: userID, phones: overview.phones, webhooks: overview.webhooks, in: tx),
                try queries.attention(of: userID, in: tx)
            )
        }
        return views.page(
            .overview, "Overview",
            Content(
                first: FirstSteps(facts, isServedOverTLS: site.isServedOverTLS || context.page.isSecure),
                attention: attention.counts.total == 0 ? nil : AttentionLines(attention, now: overview.now),
                figures: figures(overview, attention.counts), charts: charts(overview)), context)
    }

    private func figures(_ overview: Overview, _ attention: Attention.Counts) -> [Content.Number] {
        func count(_ type: MessageType, _ path: KeyPath<Overview.Messages, Int64>) -> String {
            Figure.shown(overview.messages.filter { $0.type == type }.map { $0[keyPath: path] }.clampedSum())
        }
        let day = "in the last 24 hours"
        // What was made a moment ago is due, and not late.
        let overdue = overview.oldestDue.map { overview.now - $0 }.flatMap { $0 > .seconds(10) ? $0 : nil }
        return [
            .init(
                name: "SMS sent", value: count(.mobileTerminated, \.sent),
                note: "of \(count(.mobileTerminated, \.count)) accepted \(day)"),
            .init(name: "SMS received", value: count(.mobileOriginated, \.count), note: day),
            .init(name: "Missed calls", value: count(.missedCall, \.count), note: day),
            .init(
                name: "Phones", value: Figure.shown(overview.phones),
                note: Self.need(attention.phones)),
            .init(
                name: "Webhooks", value: Figure.shown(overview.webhooks),
                note: Self.need(attention.webhooks)),
            .init(
                name: "Deliveries made", value: Figure.shown(overview.ended.map(\.succeeded).clampedSum()), note: day
            ),
            .init(
                name: "Deliveries given up", value: Figure.shown(overview.ended.map(\.failed).clampedSum()),
                note: "\(day), also those made since"),
            .init(
                name: "Deliveries waiting", value: Figure.shown(overview.open),
                note: overdue.map { "the oldest is \(Figure.shown($0)) late" } ?? "none is late"),
        ]
    }

    private static func need(_ count: Int) -> String {
        count == 0 ? "none needs attention" : count == 1 ? "1 needs attention" : "\(count) need attention"
    }

    private func charts(_ overview: Overview) -> [Content.Chart] {
        var messages: [Timestamp: (lower: Int64, upper: Int64)] = [:]
        for made in overview.messages {
            if made.type == .mobileTerminated { messages[made.hour, default: (0, 0)].lower += made.sent }
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
                "messages", "SMS by the hour they were accepted", messages, .init(kind: "one", name: "sent"),
                .init(kind: "two", name: "received")),
            chart(
                "deliveries", "Deliveries by the hour they ended", deliveries, .init(kind: "good", name: "succeeded"),
                .init(kind: "bad", name: "given up")),
        ]
    }
}
