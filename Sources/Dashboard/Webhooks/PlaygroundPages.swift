import Gateway
import Hummingbird
import Timestamps
import Wire

/// Webhooks > Test receiver: a receiver on the server itself, and what it makes of the last requests.
struct PlaygroundPages: SignedInPages {
    let operations: PlaygroundOperations
    let views: PageViews

    static let path = "/settings/playground"

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/settings/playground", use: show)
        group.post("/settings/playground") { _, context in
            _ = try await operations.open(userID: context.userID)
            return Response.seeOther(Self.path)
        }
        group.post("/settings/playground/delete") { _, context in
            // One that is gone is what was asked for.
            _ = try await operations.close(userID: context.userID)
            return Response.seeOther(Self.path)
        }
    }

    private struct Content {
        let url: String?
        /// The form of a webhook that leads there.
        let webhookPath: String
        let requests: [Line]
        let hasRequests: Bool
        /// How many are shown.
        let shown: Int
    }

    private struct Line {
        let number: String
        let time: String
        let method: String
        /// What it is, with a class of the style sheet.
        let signature: String
        let kind: String
        let type: String
        let problems: [String]
        let headers: String
        let body: String
        let isCut: Bool

        init(_ request: PlaygroundRequest) {
            let verdict = request.verdict
            number = "\(request.number)"
            time = PageTime.shown(request.receivedAt)
            method = request.method
            switch verdict.signature {
            case .valid: (signature, kind) = ("signature is right", "active")
            case .invalid: (signature, kind) = ("signature is wrong", "failed")
            case .missing: (signature, kind) = ("not signed", "paused")
            }
            type = verdict.eventType ?? "no event"
            problems = [
                verdict.signatureProblem.map { "Signature: \($0)." }, verdict.eventProblem.map { "Body: \($0)." },
            ].compactMap(\.self)
            headers = request.headers.map { "\($0.name): \($0.value)" }.joined(separator: "\n").firstScalars(2_000)
            let text = IndentedJSON.text(request.body) ?? String(decoding: request.body, as: UTF8.self)
            body = text.firstScalars(PlaygroundPages.mostScalars)
            isCut = text.unicodeScalars.count > PlaygroundPages.mostScalars || request.size > request.body.count
        }
    }

    private func show(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let view = try await operations.find(userID: context.userID, after: 0)
        let requests = (view?.requests ?? []).prefix(Self.pageSize).map(Line.init)
        return views.page(
            .playground, "Test receiver",
            Content(
                url: view?.url, webhookPath: PageLink.to("\(WebhookPages.path)/new", ["url": view?.url ?? ""]),
                requests: requests, hasRequests: !requests.isEmpty, shown: Self.pageSize), context)
    }

    /// The page stays small; the API has all that is kept.
    private static let pageSize = 10
    private static let mostScalars = 2_000
}
