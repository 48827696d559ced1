import Delivery
import Foundation
import Gateway
import Hummingbird
import Storage
import Timestamps

/// Users, for the owner of the server: who has an account, asking somebody in, and removing somebody. To everybody else
/// these pages are not there.
struct UserPages: SignedInPages {
    let store: any Store
    let users: UserOperations
    let access: AccessOperations
    let site: ServerSite
    let views: PageViews

    static let path = "/users"

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/users") { request, context in
            try await show(context, after: QueryParameters(request)["after"] ?? "")
        }
        group.post("/users/invite", use: invite)
        group.post("/users/withdraw") { _, context in
            try context.requireOwner()
            let email = context.form.text("email")
            try await store.write(.user(context.userID)) { tx in try InvitationQueries.delete(email: email, in: tx) }
            return Response.seeOther(Self.path)
        }
        group.post("/users/remove") { _, context in
            try context.requireOwner()
            let id = UserID(context.form.text("user_id"))
            // Whoever has the owner's browser must not be able to take others' accounts with it.
            do {
                try await access.confirm(context.form.secret("current"), of: context.session)
            } catch let refusal as Refusal {
                return try await show(context, problem: refusal.message)
            }
            guard id != context.userID else {
                return try await show(context, problem: "This is your own account, which owns the server.")
            }
            try await users.delete(id)
            return Response.seeOther(Self.path)
        }
    }

    private struct Content {
        let members: [Line]
        let invitations: [Invited]
        let nextPage: String?
        let email: String
        let problem: String?

        struct Line {
            let id: String
            let email: String
            let createdAt: String
            let isOwner: Bool
            /// Unique on the page.
            let number: Int
        }

        struct Invited {
            let email: String
            let expiresAt: String
        }
    }

    private func show(
        _ context: SignedInContext, after: String = "", email: String = "", problem: String? = nil
    ) async throws -> Response {
        try context.requireOwner()
        let (members, invitations) = try await store.read { tx in
            (
                try InvitationQueries.members(after: after, limit: Self.pageSize + 1, in: tx),
                try InvitationQueries.list(in: tx)
            )
        }
        let page = members.prefix(Self.pageSize)
        let next = members.count > Self.pageSize ? page.last?.email : nil
        return views.page(
            .users, "Users",
            Content(
                members: page.enumerated().map { number, member in
                    Content.Line(
                        id: member.id.text, email: member.email, createdAt: PageTime.shown(member.createdAt),
                        isOwner: member.id == context.userID, number: number)
                },
                invitations: invitations.map {
                    Content.Invited(email: $0.email, expiresAt: PageTime.shown($0.expiresAt))
                },
                nextPage: next.flatMap { $0.addingPercentEncoding(withAllowedCharacters: .alphanumerics) }
                    .map { "?after=\($0)" },
                email: email, problem: problem), context, status: problem == nil ? .ok : .unprocessableContent)
    }

    @Sendable private func invite(_ request: Request, _ context: SignedInContext) async throws -> Response {
        try context.requireOwner()
        let typed = context.form.text("email")
        let sent: SentInvitation
        let email: String
        do {
            email = try UserOperations.address(typed)
            sent = try await access.invite(email, session: context.session)
        } catch let error as UserCreationError {
            return try await show(context, email: typed, problem: error.sentence)
        }
        return views.page(
            .invited, "Invitation",
            InvitationLink(
                email: email, sent, letter: "to make your account", purpose: "makes one account",
                back: (Self.path, "Users"), baseURL: site.baseURL(request, isSecure: context.page.isSecure)), context)
    }

    private static let pageSize = 50
}
