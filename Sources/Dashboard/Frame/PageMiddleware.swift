import Gateway
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Secrets
import Storage
import Timestamps
import Wire

/// What every page goes through: the host, the session, the origin and token of forms, errors as pages, and headers.
struct PageMiddleware: RouterMiddleware {
    typealias Context = PageContext

    let site: ServerSite
    let sessions: Sessions
    let views: PageViews
    let uploads: UploadQueue
    let menu: MenuFigures.Reader
    let contacts: ContactOperations
    let audit: AuditTrail
    let clock: any WallClock

    @concurrent func handle(
        _ request: Request, context: PageContext, next: @concurrent (Request, PageContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.isSecure = site.isSecure(request, context.origin)
        context.theme = Theme(request)
        context.path = request.uri.path
        context.notice = request.uri.query.flatMap { QueryParameters(query: $0)["notice"] }
            .flatMap(PageNotice.init(rawValue:))
        var response: Response
        do {
            try site.checkHost(request)
            let found = try await sessions.session(of: request, isSecure: context.isSecure)
            context.session = found?.session
            context.times = PageTimes(zone: found?.session.timezone ?? "UTC", now: clock.now())
            context.menu = await figures(for: request, context)
            // Before there is a session, a cookie of its own stands for it in forms.
            let anonymous = Cookies.value(.form, request, isSecure: context.isSecure)
            context.formToken = context.session?.formToken ?? anonymous ?? RandomToken.make()
            if request.method != .get, request.method != .head { context.form = try await form(of: request, context) }
            response = try await next(request, context)
            if request.method == .post, let session = context.session {
                await note(request, &response, session, context)
            }
            response = try await named(response, context)
            if context.session == nil, anonymous == nil {
                response.headers.append(
                    Cookies.field(.form, context.formToken, isSecure: context.isSecure, lifetime: nil))
            }
            // What the page itself does to the cookie, such as signing out, stands.
            if let renewal = found?.renewal, response.headers[.setCookie] == nil { response.headers.append(renewal) }
        } catch {
            response = answer(error, request, context)
        }
        for (name, value) in Self.headers { response.headers[name] = value }
        return response
    }

    /// What the menu counts, for a page that has one. A page is shown without the figures when they cannot be read.
    private func figures(for request: Request, _ context: PageContext) async -> MenuFigures {
        guard let session = context.session, context.path != "/live", !context.path.hasPrefix("/assets/") else {
            return MenuFigures()
        }
        do {
            return try await menu.figures(of: session.userID)
        } catch {
            context.logger.debug("menu without figures", metadata: ["error": "\(error)"])
            return MenuFigures()
        }
    }

    /// Notes what somebody did who is signed in.
    private func note(
        _ request: Request, _ response: inout Response, _ session: Session, _ context: PageContext
    ) async {
        let route = context.endpointPath ?? ""
        if WebhookForms.isPreview(context.form, of: route) { return }
        let named = ["user_id", "email", "request_id"].map { context.form.text($0) }.first { !$0.isEmpty }
        await audit.note(
            request, "POST \(route)", &response, named: named, by: AuditEntry.Actor(session),
            userID: session.userID, from: context.origin, logger: context.logger)
    }

    /// A page with the names of those it is about. It is shown without them when they cannot be read.
    private func named(_ response: Response, _ context: PageContext) async throws -> Response {
        guard let session = context.session, response.headers[.contentType]?.hasPrefix("text/html") == true else {
            return response
        }
        let page = BodyBytes()
        try await response.body.write(page)
        var response = response
        guard PageParties.areIn(page.bytes) else {
            response.body = .init(byteBuffer: ByteBuffer(bytes: page.bytes))
            return response
        }
        let parties = PageParties(page.bytes)
        var names: [String: String] = [:]
        do {
            names = try await contacts.names(of: parties.numbers, userID: session.userID)
        } catch {
            context.logger.debug("page without names", metadata: ["error": "\(error)"])
        }
        response.body = .init(byteBuffer: ByteBuffer(bytes: parties.placed(names: names)))
        return response
    }

    private func form(of request: Request, _ context: PageContext) async throws -> PageForm {
        guard ServerSite.isSameOrigin(request, isSecure: context.isSecure) else { throw PageError.foreignForm }
        let client = context.session.map { UploadQueue.Client(userID: $0.userID, channel: context.channel) }
        let form = try await PageForm(of: request, files: client.map { ($0, uploads) })
        guard RandomToken.areEqual(form.secret("form_token"), context.formToken) else {
            // The session ended while somebody wrote: they sign in, and what they wrote is in their browser.
            if context.session == nil, !AccessRoutes.isOpen(context.path) { throw SignInRequired() }
            throw PageError.foreignForm
        }
        return form
    }

    private func answer(_ error: any Error, _ request: Request, _ context: PageContext) -> Response {
        switch error {
        case is SignInRequired: return .seeOther(AccessRoutes.signInPath(for: request))
        case let error as PageError: return views.error(error, context)
        case is PasswordQueue.Crowded:
            return later("Too many people are signing in at the moment. Try again in a few seconds.", context)
        case let refusal as Refusal: return views.error(PageError(refusal.status, refusal.message), context)
        case is NIOTooManyBytesError:
            return views.error(PageError(.contentTooLarge, "The form is larger than this page takes."), context)
        case StorageError.tooMany(let reason):
            return answer(ServerBusy(message: reason), request, context)
        case let busy as ServerBusy:
            let error = PageError(.serviceUnavailable, busy.message + " Try again in a few seconds.")
            var response = views.error(error, context)
            response.headers[.retryAfter] = ServerBusy.retryAfter
            return response
        case is CancellationError:
            // The client has gone away, or the server is shutting down.
            return views.error(PageError(.serviceUnavailable, "The request was given up. Try again."), context)
        case StorageError.unavailable(let reason):
            context.logger.error("page refused", metadata: ["reason": "\(reason)", "client": "\(context.client)"])
            return later("The server cannot store anything at the moment: \(reason)", context)
        case let error as HTTPError where error.status == .notFound: return views.error(.notFound, context)
        default:
            context.logger.error("page failed", metadata: ["error": "\(error)", "client": "\(context.client)"])
            return views.error(
                PageError(.internalServerError, "The server ran into an error. Its log says more."), context)
        }
    }

    /// 503, with when to come back.
    private func later(_ message: String, _ context: PageContext) -> Response {
        var response = views.error(PageError(.serviceUnavailable, message), context)
        response.headers[.retryAfter] = "5"
        return response
    }

    /// Nothing is loaded from elsewhere, and no script but ours runs. `same-origin`: with `no-referrer`, browsers would
    /// send `Origin: null` with our own forms, which is then no proof of where they come from.
    private static let headers: [(HTTPField.Name, String)] = [
        (
            .contentSecurityPolicy,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
                + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        (.referrerPolicy, "same-origin"),
        (.crossOriginOpenerPolicy, "same-origin"),
    ]
}
