import Delivery
import Gateway
import Hummingbird
import Timestamps

/// Two-step sign-in: turning it on with an app, recovery codes, and turning it off.
struct TwoStepPages: SignedInPages {
    let access: AccessOperations
    let site: ServerSite
    let views: PageViews

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/account/two-step") { _, context in try await show(context) }
        group.post("/account/two-step") { _, context in
            // The secret comes back with the form, as the app holds it already when the code was mistyped.
            guard let codes = OneTimeCodes(context.form.text("secret")) else { throw PageError.notFound }
            return try await answer(context, codes) { form in
                try await access.addSecondFactor(
                    codes, code: form.text("code"), password: form.secret("current"), session: context.session)
            }
        }
        group.post("/account/two-step/codes") { _, context in
            try await answer(context) { form in
                try await access.replaceRecoveryCodes(
                    code: form.text("code"), password: form.secret("current"), session: context.session)
            }
        }
        group.post("/account/two-step/off") { _, context in
            do {
                try await access.removeSecondFactor(
                    code: context.form.text("code"), password: context.form.secret("current"),
                    session: context.session)
                return Response.seeOther("/account")
            } catch let refusal as Refusal {
                return try await show(context, problem: refusal.message)
            }
        }
    }

    /// What the account page says of it.
    static func words(_ factor: SecondFactor?) -> String {
        guard let factor else { return "Your password alone is enough to sign in." }
        let codes = factor.recoveryCodes == 1 ? "1 recovery code" : "\(factor.recoveryCodes) recovery codes"
        return "On since \(PageTime.shown(factor.createdAt)). \(codes) left."
    }

    private struct Content {
        struct Setup {
            let secret: String
            let code: QRCode?
        }

        let email: String
        /// Nil when it is on.
        let setup: Setup?
        let state: String
        let problem: String?
    }

    private func show(
        _ context: SignedInContext, _ codes: OneTimeCodes? = nil, problem: String? = nil
    ) async throws -> Response {
        let factor = try await access.secondFactor(of: context.session)
        let email = context.session.email
        return views.page(
            .twoStep, "Two-step sign-in",
            Content(
                email: email, setup: factor == nil ? setup(codes ?? OneTimeCodes(), email) : nil,
                state: Self.words(factor), problem: problem),
            context, status: problem == nil ? .ok : .unprocessableContent)
    }

    private func setup(_ codes: OneTimeCodes, _ email: String) -> Content.Setup {
        Content.Setup(secret: codes.text, code: QRCode(codes.url(host: site.name, email: email)))
    }

    /// Shows recovery codes in the answer itself: no address leads to them.
    private func answer(
        _ context: SignedInContext, _ codes: OneTimeCodes? = nil, _ make: (PageForm) async throws -> [String]
    ) async throws -> Response {
        struct Content {
            let codes: String
            /// Whether two-step sign-in was turned on by this.
            let isFirst: Bool
        }
        do {
            let recoveryCodes = try await make(context.form)
            return views.page(
                .recoveryCodes, "Recovery codes",
                Content(codes: recoveryCodes.joined(separator: "\n"), isFirst: codes != nil), context)
        } catch let refusal as Refusal {
            return try await show(context, codes, problem: refusal.message)
        }
    }
}
