import Foundation
import Gateway
import Hummingbird
import Storage
import Timestamps

/// Who works in the account, for those who own it: asking somebody in, what each may do, and removing somebody.
struct TeamPages: SignedInPages {
    let operations: TeamOperations
    let site: ServerSite
    let views: PageViews

    static let path = "/account/team"

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/account/team") { _, context in try await show(context) }
        group.post("/account/team/invite", use: invite)
        group.post("/account/team/withdraw") { _, context in
            try await refused(in: context) {
                try await operations.withdraw(context.form.text("email"), session: context.session)
                return Response.seeOther(Self.path)
            }
        }
        group.post("/account/team/:memberID/role") { _, context in
            try await refused(in: context) {
                guard
                    try await operations.setRole(
                        Self.role(context.form), of: Self.member(context), password: context.form.secret("current"),
                        session: context.session)
                else { throw PageError.notFound }
                return Response.seeOther(Self.path)
            }
        }
        group.post("/account/team/:memberID/remove") { _, context in
            try await refused(in: context) {
                guard try await operations.remove(Self.member(context), session: context.session) else {
                    throw PageError.notFound
                }
                return Response.seeOther(Self.path)
            }
        }
    }

    /// What a role allows, as the forms and the account page say it.
    static func words(_ role: TeamRole) -> String {
        switch role {
        case .reader: "Read SMS and contacts"
        case .sender: "Read, send and delete SMS, and change contacts"
        case .owner: "Everything, also keys and the team"
        }
    }

    private static func role(_ form: PageForm) throws(PageError) -> TeamRole {
        guard let role = TeamRole(rawValue: form.text("role")) else { throw .notFound }
        return role
    }

    private static func member(_ context: SignedInContext) -> UserID {
        UserID(context.parameters.get("memberID") ?? "")
    }

    private struct Content {
        let members: [Line]
        let invitations: [Invited]
        let isEmpty: Bool
        let ownEmail: String
        let email: String
        let roles: [Choice]
        let problem: String?

        struct Line {
            let path: String
            let email: String
            let role: String
            let createdAt: String
            let roles: [Choice]
            /// Unique on the page.
            let number: Int
        }

        struct Invited {
            let email: String
            let role: String
            /// Nil where it is not known.
            let inviter: String?
            let expiresAt: String
        }
    }

    private static func choices(_ chosen: TeamRole) -> [Choice] {
        TeamRole.allCases.map { Choice(value: $0.rawValue, isChosen: $0 == chosen, note: words($0)) }
    }

    private func show(_ context: SignedInContext, problem: String? = nil) async throws -> Response {
        let (members, invitations, account) = try await operations.team(of: context.userID)
        let role = TeamRole(rawValue: context.form.text("role")) ?? .reader
        func inviter(_ invitation: TeamInvitation) -> String? {
            if invitation.invitedBy == invitation.account { return account }
            return members.first { $0.id == invitation.invitedBy }?.email
        }
        return views.page(
            .team, "Team",
            Content(
                members: members.enumerated().map { number, member in
                    Content.Line(
                        path: "\(Self.path)/\(member.id)", email: member.email, role: Self.words(member.role),
                        createdAt: PageTime.shown(member.createdAt), roles: Self.choices(member.role), number: number)
                },
                invitations: invitations.map {
                    Content.Invited(
                        email: $0.email, role: Self.words($0.role), inviter: inviter($0),
                        expiresAt: PageTime.shown($0.expiresAt))
                },
                isEmpty: members.isEmpty && invitations.isEmpty, ownEmail: context.session.email,
                email: context.form.text("email"), roles: Self.choices(role), problem: problem),
            context, status: problem == nil ? .ok : .unprocessableContent)
    }

    private func refused(
        in context: SignedInContext, _ body: () async throws -> Response
    ) async throws -> Response {
        do {
            return try await body()
        } catch let refusal as Refusal {
            // Whoever owns the account no more does not see its team either.
            if refusal.kind == .forbidden { throw PageError(.forbidden, refusal.message) }
            return try await show(context, problem: refusal.message)
        } catch let error as UserCreationError {
            return try await show(context, problem: error.sentence)
        }
    }

    @Sendable private func invite(_ request: Request, _ context: SignedInContext) async throws -> Response {
        try await refused(in: context) {
            let email = try UserOperations.address(context.form.text("email"))
            let role = try Self.role(context.form)
            let sent = try await operations.invite(
                email, as: role, password: context.form.secret("current"), session: context.session)
            return views.page(
                .invited, "Invitation",
                InvitationLink(
                    email: email, sent, may: Self.words(role), letter: "to join our team",
                    purpose: "brings one member into the team", back: (Self.path, "Team"),
                    baseURL: site.baseURL(request, isSecure: context.page.isSecure)), context)
        }
    }
}
