import Delivery
import Gateway
import Hummingbird
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

        init(_ report: EndpointReport) {
            let state = WebhookState(report)
            url = report.endpoint.url
            status = state.status
            reason = state.reason
            openCount = Figure.shown(Int64(report.openCount))
            lastSuccess = report.lastSuccessAt.map(PageTime.shown)
            lastFailure = report.lastFailureAt.map(PageTime.shown)
        }
    }

    private func list(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let slice = ListSlice(QueryParameters(request), size: 20)
        let found = try await operations.list(slice.page(), userID: context.userID)
        let path = { (skip: Int) in PageLink.to(Self.path, ["skip": skip > 0 ? String(skip) : ""]) }
        return views.page(
            .callbacks, "Status URLs",
            Content(
                callbacks: found.prefix(slice.size).map(Line.init), isEmpty: found.isEmpty, isFirst: slice.isFirst,
                newerPage: slice.newerPage(path), olderPage: slice.olderPage(of: found.count, path)), context)
    }
}
