import Hummingbird
import Storage

/// The first page.
struct OverviewRoutes: Sendable {
    let store: any Store
    let access: AccessOperations
    let views: PageViews

    private struct Content {
        let hasPhones: Bool
        let hasWebhooks: Bool
        let phonesOffline: Int64
        let webhooksStopped: Int64
        let figures: [Figure]

        struct Figure {
            let name: String
            let value: String
            let note: String
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
        let counts = try await store.read { tx in try OverviewQueries.overview(of: userID, in: tx) }
        let day = "in the last 24 hours"
        return views.page(
            "overview", "Overview",
            Content(
                hasPhones: counts.phones > 0, hasWebhooks: counts.webhooks > 0,
                phonesOffline: counts.phonesOffline, webhooksStopped: counts.webhooksStopped,
                figures: [
                    .init(name: "Messages sent", value: Self.shown(counts.sent), note: day),
                    .init(name: "Messages received", value: Self.shown(counts.received), note: day),
                    .init(name: "Missed calls", value: Self.shown(counts.missedCalls), note: day),
                    .init(
                        name: "Phones", value: Self.shown(counts.phones),
                        note: counts.phonesOffline == 0 ? "none offline" : "\(counts.phonesOffline) offline"),
                    .init(
                        name: "Webhooks", value: Self.shown(counts.webhooks),
                        note: counts.webhooksStopped == 0 ? "none stopped" : "\(counts.webhooksStopped) stopped"),
                    .init(name: "Deliveries succeeded", value: Self.shown(counts.succeeded), note: "in all"),
                    .init(name: "Deliveries failed", value: Self.shown(counts.failed), note: "in all"),
                    .init(name: "Deliveries waiting", value: Self.shown(counts.open), note: "now"),
                ]), context)
    }

    /// `1234567` as `1,234,567`.
    static func shown(_ number: Int64) -> String {
        let digits = Array(String(number))
        return digits.enumerated().reduce(into: "") { text, digit in
            if digit.offset > 0, (digits.count - digit.offset) % 3 == 0 { text.append(",") }
            text.append(digit.element)
        }
    }
}
