import Foundation
import Gateway
import Hummingbird
import Storage

/// First run, sign-in with one step or two, first sign-in with an API key, and sign-out.
struct AccessRoutes: Sendable {
    let access: AccessOperations
    let team: TeamOperations
    let sessions: Sessions
    let views: PageViews

    /// What the forms show: what was typed, passwords aside, and why it was refused.
    private struct Content {
        var email = ""
        var problem: String?
        /// The page that was asked for; empty for the overview.
        var next = ""
        /// What makes the first account.
        var token = ""
        /// Whether a forgotten password is replaced by e-mail.
        var mails = false
    }

    /// Whether a form at `path` is for people who are not signed in.
    static func isOpen(_ path: String) -> Bool {
        [
            "/sign-in", "/first-run", "/first-sign-in", "/invitation", "/forgotten-password", "/new-password", "/theme",
            "/connect",
        ].contains { path == $0 || path.hasPrefix($0 + "/") }
    }

    /// Where somebody signs in who asked for a page, or whose session ended at a form: they come back to it.
    static func signInPath(for request: Request) -> String {
        let page = request.method == .get ? request.uri.string : ThemePages.back(request)
        return PageLink.to("/sign-in", ["next": page == "/" ? "" : page])
    }

    /// The page of this server that `text` names; the overview when it names another place.
    private static func page(_ text: String) -> String {
        LocalPage.path(text) ?? "/"
    }

    func add(to group: RouterGroup<PageContext>, signedIn: RouterGroup<SignedInContext>) {
        group.get("/first-run") { request, context in
            guard try await access.isFirstRun() else { return Response.seeOther("/sign-in") }
            let token = QueryParameters(request)["token"] ?? ""
            return form(.firstRun, "Welcome", Content(token: token), context)
        }
        group.post("/first-run") { request, context in
            try await attempt(.firstRun, "Welcome", request, context) { form, visitor in
                .done(
                    try await access.createOwner(
                        token: form.text("token"), email: form.text("email"), password: form.secret("password"),
                        timezone: Self.timezone(form), visitor: visitor))
            }
        }
        group.get("/sign-in") { request, context in
            let next = QueryParameters(request)["next"] ?? ""
            if context.session != nil { return Response.seeOther(Self.page(next)) }
            if try await access.isFirstRun() { return Response.seeOther("/first-run") }
            return form(.signIn, "Sign in", Content(next: next), context)
        }
        group.post("/sign-in") { request, context in
            try await attempt(.signIn, "Sign in", request, context) { form, visitor in
                try await access.signIn(
                    email: form.text("email"), password: form.secret("password"), visitor: visitor)
            }
        }
        group.get("/sign-in/code") { _, _ in Response.seeOther("/sign-in") }
        group.post("/sign-in/code") { request, context in try await finish(request, context) }
        group.get("/first-sign-in") { _, context in form(.firstSignIn, "First sign-in", Content(), context) }
        group.post("/first-sign-in") { request, context in
            try await attempt(.firstSignIn, "First sign-in", request, context) { form, visitor in
                .done(
                    try await access.setFirstPassword(
                        email: form.text("email"), apiKey: form.text("api_key"), password: form.secret("password"),
                        visitor: visitor))
            }
        }
        addReset(to: group)
        group.get("/invitation") { request, context in
            try await invitation(QueryParameters(request)["token"] ?? "", nil, context)
        }
        group.post("/invitation") { request, context in
            let token = context.form.text("token")
            let (password, visitor) = (context.form.secret("password"), Visitor(request, context))
            do {
                let session =
                    try await team.invitation(token) != nil
                    ? team.join(token, password: password, visitor: visitor)
                    : access.accept(
                        token, password: password, timezone: Self.timezone(context.form), visitor: visitor)
                guard let session else { return try await invitation(token, nil, context) }
                return session.response(to: "/", isSecure: context.isSecure)
            } catch let refusal as Refusal {
                return try await invitation(token, refusal.message, context)
            }
        }
        signedIn.post("/sign-out") { _, context in
            try await sessions.end(context.session)
            return Self.goodbye(context)
        }
        signedIn.post("/sign-out-everywhere") { _, context in
            try await sessions.endAll(of: context.session.person)
            return Self.goodbye(context)
        }
    }

    private struct InvitationContent {
        let isValid: Bool
        let token: String
        let email: String
        /// Whose team it leads into; nil for an account of one's own.
        let team: String?
        let problem: String?
    }

    private func invitation(_ token: String, _ problem: String?, _ context: PageContext) async throws -> Response {
        let joining = try await team.invitation(token)
        let email = try await joining == nil ? access.invitation(token)?.email : joining?.invitation.email
        return views.page(
            .invitation, "Welcome",
            InvitationContent(
                isValid: email != nil, token: token, email: email ?? "", team: joining?.from, problem: problem),
            context, status: email == nil || problem != nil ? .unprocessableContent : .ok)
    }

    private func form(
        _ template: PageTemplate, _ title: String, _ content: Content, _ context: PageContext
    ) -> Response {
        var content = content
        content.mails = access.letters != nil
        return views.page(
            template, title, content, context, status: content.problem == nil ? .ok : .unprocessableContent)
    }

    private func attempt(
        _ template: PageTemplate, _ title: String, _ request: Request, _ context: PageContext,
        _ body: (PageForm, Visitor) async throws -> AccessOperations.SignIn
    ) async throws -> Response {
        do {
            return answer(try await body(context.form, Visitor(request, context)), context)
        } catch let refusal as Refusal {
            return form(
                template, title,
                Content(
                    email: context.form.text("email"), problem: refusal.message, next: context.form.text("next"),
                    token: context.form.text("token")),
                context)
        }
    }

    /// What follows for somebody who proved to be the one.
    func answer(_ signIn: AccessOperations.SignIn, _ context: PageContext) -> Response {
        switch signIn {
        case .done(let session): welcome(session, context)
        case .needsCode(let pass): askForCode(pass, context)
        }
    }

    /// The second step of signing in.
    private func finish(_ request: Request, _ context: PageContext) async throws -> Response {
        let pass = context.form.text("pass")
        do {
            let session = try await access.finishSignIn(
                pass: pass, code: context.form.text("code"), visitor: Visitor(request, context))
            if let session { return welcome(session, context) }
            let content = Content(
                problem: "That took too long, or the password was changed. Sign in again.",
                next: context.form.text("next"))
            return form(.signIn, "Sign in", content, context)
        } catch let refusal as Refusal {
            return askForCode(pass, problem: refusal.message, context)
        }
    }

    private func askForCode(_ pass: String, problem: String? = nil, _ context: PageContext) -> Response {
        struct Content {
            let pass: String
            let next: String
            let problem: String?
        }
        return views.page(
            .signInCode, "Sign in", Content(pass: pass, next: context.form.text("next"), problem: problem), context,
            status: problem == nil ? .ok : .unprocessableContent)
    }

    private func welcome(_ session: Sessions.Fresh, _ context: PageContext) -> Response {
        session.response(to: Self.page(context.form.text("next")), isSecure: context.isSecure)
    }

    /// The zone that the browser named; UTC when it named none that this system knows.
    private static func timezone(_ form: PageForm) -> String {
        let zone = form.text("timezone")
        return TimeZone(identifier: zone) == nil ? "UTC" : zone
    }

    private static func goodbye(_ context: SignedInContext) -> Response {
        var response = Response.seeOther("/sign-in")
        response.headers.append(
            Cookies.field(.session, "", isSecure: context.page.isSecure, lifetime: .zero))
        return response
    }
}
