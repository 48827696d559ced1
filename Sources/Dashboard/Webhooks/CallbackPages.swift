import Delivery
import Gateway
import Hummingbird
import Storage
import Timestamps
import Wire

/// Webhooks > Status URLs: the callback URLs of messages, and how they fare.
struct CallbackPages: SignedInPages {
    let operations: CallbackOperations
    let views: PageViews

    static let path = "/settings/callbacks"

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/settings/callbacks", use: list)
    }

    private struct Content {
        let callbacks: [Line]
        let isEmpty: Bool
        /// Whether this is the beginning of the list.
        let isFirst: Bool
        let newerPage: String?
        let olderPage: String?
    }

    private struct Line {
        let url: String
        let status: String
        let reason: String?
        let openCount: String
        let lastSuccess: String?
        let lastFailure: String?
        /// The newest deliveries that were given up.
        let failures: [DeliveryLine]

        init(_ report: EndpointReport, failures: [DeliveryRecord]) {
            let state = WebhookState(report)
            url = report.endpoint.url
            status = state.status
            reason = state.reason
            openCount = Figure.shown(Int64(report.openCount))
            lastSuccess = report.lastSuccessAt.map(PageTime.shown)
            lastFailure = report.lastFailureAt.map(PageTime.shown)
            self.failures = failures.map(DeliveryLine.init)
        }
    }

    private func list(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let slice = ListSlice(QueryParameters(request), size: 20)
        let found = try await operations.list(slice.page(), userID: context.userID)
        let lines = try await operations.store.read(.user(context.userID)) { tx in
            try found.prefix(slice.size).map { Line($0, failures: try Self.failures($0, in: tx)) }
        }
        let path = { (skip: Int) in PageLink.to(Self.path, ["skip": skip > 0 ? String(skip) : ""]) }
        return views.page(
            .callbacks, "Status URLs",
            Content(
                callbacks: lines, isEmpty: found.isEmpty, isFirst: slice.isFirst,
                newerPage: slice.newerPage(path), olderPage: slice.olderPage(of: found.count, path)), context)
    }

    private static func failures(_ report: EndpointReport, in tx: any Transaction) throws -> [DeliveryRecord] {
        // Most never failed, and are asked nothing more.
        if report.lastFailureAt == nil { return [] }
        var filter = DeliveryHistory.Filter()
        filter.status = .failed
        return try DeliveryHistory.list(endpoint: report.endpoint.id, filter, limit: shownFailures, in: tx)
    }

    private static let shownFailures = 3
}
