import Delivery
import Gateway
import Hummingbird
import Secrets
import Storage

/// Code that verifies what a webhook sends, with its own URL filled in, and its key once the password was given.
struct SnippetPages: SignedInPages {
    let operations: WebhookOperations
    let access: AccessOperations
    let views: PageViews

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/settings/webhooks/:webhookID/verify") { _, context in
            try await show(context, revealsKey: false)
        }
        group.post("/settings/webhooks/:webhookID/verify") { _, context in
            do {
                try await access.confirm(context.form.secret("current"), of: context.session)
            } catch let refusal as Refusal {
                return try await show(context, revealsKey: false, problem: refusal.message)
            }
            return try await show(context, revealsKey: true)
        }
    }

    private struct Content {
        let path: String
        let url: String
        let email: String
        let isSigned: Bool
        let isRevealed: Bool
        let warnings: [String]
        let problem: String?
        let snippets: [Snippet]
    }

    private struct Snippet {
        let id: String
        let name: String
        let needs: String
        let code: String
    }

    private func show(
        _ context: SignedInContext, revealsKey: Bool, problem: String? = nil
    ) async throws -> Response {
        let (id, userID) = (try context.id("webhookID", of: EndpointID.self), context.userID)
        let endpoint = try await operations.store.read(.user(userID)) { [endpoints = operations.endpoints] tx in
            try endpoints.find(id, userID: userID, in: tx)
        }
        guard let endpoint else { throw PageError.notFound }
        let key = revealsKey ? endpoint.signingKey?.exposed : nil
        return views.page(
            .verify, "Verify signatures",
            Content(
                path: "\(WebhookPages.path)/\(id)", url: endpoint.url, email: context.session.email,
                isSigned: endpoint.signingKey != nil, isRevealed: key != nil,
                warnings: WebhookWarnings.of(endpoint), problem: problem,
                snippets: VerificationSnippet.allCases.map {
                    Snippet(
                        id: $0.rawValue, name: $0.name, needs: $0.needs, code: $0.code(url: endpoint.url, key: key))
                }), context, status: problem == nil ? .ok : .unprocessableContent)
    }
}
