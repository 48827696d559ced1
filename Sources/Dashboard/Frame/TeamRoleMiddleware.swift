import Gateway
import HTTPTypes
import Hummingbird

/// Keeps members of a team to what their role allows. Whoever owns the account may do everything.
struct TeamRoleMiddleware: RouterMiddleware {
    typealias Context = SignedInContext

    @concurrent func handle(
        _ request: Request, context: SignedInContext,
        next: @concurrent (Request, SignedInContext) async throws -> Response
    ) async throws -> Response {
        let route = "\(request.method == .head ? .get : request.method) \(context.endpointPath ?? "")"
        guard context.session.role >= Self.least(for: route) else {
            throw PageError(.forbidden, "Your role in this account does not allow this. Ask whoever owns it.")
        }
        return try await next(request, context)
    }

    /// The least role that may ask for a route, which is method and path as the router has them. A route that nobody listed
    /// is for owners, so that a new one is not open by mistake.
    static func least(for route: String) -> TeamRole {
        if readers.contains(route) { return .reader }
        return senders.contains(route) ? .sender : .owner
    }

    /// What everybody may do: read conversations and contacts, and look after their own way in.
    static let readers: Set<String> = [
        "GET /live", "GET /messages", "GET /messages/{threadID}", "GET /messages/message/{messageID}",
        "GET /messages/planned", "GET /messages/planned/{messageID}", "GET /messages/texts",
        "GET /messages/bulk/batch", "GET /messages/bulk/results.csv",
        "GET /contacts", "GET /contacts/{contactID}",
        "GET /account", "POST /account/password", "POST /account/sessions/{session}/end",
        "GET /account/two-step", "POST /account/two-step", "POST /account/two-step/codes",
        "POST /account/two-step/off", "POST /sign-out", "POST /sign-out-everywhere",
    ]

    /// What those may do, too, who send.
    static let senders: Set<String> = [
        "POST /messages/{threadID}", "POST /messages/{threadID}/archive", "POST /messages/{threadID}/unarchive",
        "POST /messages/{threadID}/unread", "POST /messages/{threadID}/delete",
        "POST /messages/{threadID}/assign", "POST /messages/{threadID}/notes",
        "POST /messages/{threadID}/notes/{noteID}/delete",
        "GET /messages/new", "POST /messages/new", "POST /messages/new/text",
        "POST /messages/message/{messageID}/resend", "POST /messages/message/{messageID}/delete",
        "POST /messages/planned/{messageID}", "POST /messages/planned/{messageID}/now",
        "POST /messages/planned/{messageID}/cancel",
        "GET /messages/bulk", "POST /messages/bulk", "POST /messages/bulk/columns", "POST /messages/bulk/send",
        "GET /messages/bulk/sample.csv", "POST /messages/bulk/batch/pause", "POST /messages/bulk/batch/resume",
        "POST /messages/bulk/batch/cancel", "POST /messages/bulk/batch/again",
        "GET /messages/texts/new", "POST /messages/texts/new", "GET /messages/texts/{textID}",
        "POST /messages/texts/{textID}", "POST /messages/texts/{textID}/delete",
        "GET /contacts/new", "POST /contacts/new", "POST /contacts/{contactID}", "POST /contacts/{contactID}/delete",
        "GET /contacts/import", "POST /contacts/import", "POST /contacts/import/store",
        "GET /contacts/export.csv", "GET /contacts/export.vcf",
    ]
}
