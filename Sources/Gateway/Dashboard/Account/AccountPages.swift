import Delivery
import Hummingbird
import Storage

/// The account of whoever is signed in: password and sessions.
struct AccountPages: Sendable {
    let store: any Store
    let access: AccessOperations
    let views: PageViews

    private struct Content {
        let email: String
        let id: String
        let sessions: Int64
        var problem: String?
        var isChanged = false
    }

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/account") { request, context in
            try await show(context, isChanged: QueryParameters(request)["changed"] != nil)
        }
        group.post("/account/password") { _, context in
            do {
                return try await access.changePassword(
                    of: context.session, from: context.form.secret("current"), to: context.form.secret("password")
                ).response(to: "/account?changed=1", isSecure: context.page.isSecure)
            } catch let refusal as AccessOperations.Refusal {
                return try await show(context, problem: refusal.message)
            }
        }
    }

    private func show(
        _ context: SignedInContext, problem: String? = nil, isChanged: Bool = false
    ) async throws -> Response {
        let userID = context.userID
        let sessions = try await store.read { tx in try SessionQueries.count(of: userID, in: tx) }
        return views.page(
            "account", "Account",
            Content(
                email: context.session.email, id: userID.text, sessions: sessions, problem: problem,
                isChanged: isChanged),
            context, status: problem == nil ? .ok : .unprocessableContent)
    }
}
