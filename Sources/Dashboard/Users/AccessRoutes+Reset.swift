import Gateway
import Hummingbird

/// A forgotten password: asking for the letter, and what its link opens.
extension AccessRoutes {
    func addReset(to group: RouterGroup<PageContext>) {
        group.get("/forgotten-password") { _, context in forgotten(context) }
        group.post("/forgotten-password") { request, context in
            do {
                let email = try UserOperations.address(context.form.text("email"))
                try await access.mailReset(to: email, visitor: Visitor(request, context))
                return forgotten(context, sentTo: email)
            } catch let error as UserCreationError {
                return forgotten(context, problem: error.sentence)
            } catch let refusal as Refusal {
                return forgotten(context, problem: refusal.message)
            }
        }
        group.get("/new-password") { request, context in
            try await newPassword(QueryParameters(request)["token"] ?? "", nil, context)
        }
        group.post("/new-password") { request, context in
            let token = context.form.text("token")
            do {
                let signIn = try await access.reset(
                    token, to: context.form.secret("password"), visitor: Visitor(request, context))
                guard let signIn else { return try await newPassword(token, nil, context) }
                return answer(signIn, context)
            } catch let refusal as Refusal {
                return try await newPassword(token, refusal.message, context)
            }
        }
    }

    private struct Forgotten {
        let mails: Bool
        /// Where a letter may be on its way to; nil before it was asked for.
        let sentTo: String?
        let email: String
        let problem: String?
    }

    private func forgotten(_ context: PageContext, sentTo: String? = nil, problem: String? = nil) -> Response {
        views.page(
            .forgottenPassword, "Forgotten password",
            Forgotten(
                mails: access.letters != nil, sentTo: access.letters == nil ? nil : sentTo,
                email: context.form.text("email"), problem: problem),
            context, status: problem == nil ? .ok : .unprocessableContent)
    }

    private struct NewPassword {
        let isValid: Bool
        let token: String
        let email: String
        let problem: String?
    }

    private func newPassword(_ token: String, _ problem: String?, _ context: PageContext) async throws -> Response {
        let email = try await access.resetEmail(token)
        return views.page(
            .newPassword, "New password",
            NewPassword(isValid: email != nil, token: token, email: email ?? "", problem: problem), context,
            status: email == nil || problem != nil ? .unprocessableContent : .ok)
    }
}
