import Delivery
import Foundation
import Gateway
import Hummingbird
import Secrets
import Storage
import Timestamps

/// The account of whoever is signed in: password and sessions of theirs and, for who owns it, its API key and zone.
struct AccountPages: SignedInPages {
    let store: any Store
    let users: UserOperations
    let access: AccessOperations
    let views: PageViews

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/account") { request, context in
            let parameters = QueryParameters(request)
            return try await show(
                context, isChanged: parameters["changed"] != nil)
        }
        group.post("/account/password") { request, context in
            do {
                return try await access.changePassword(
                    of: context.session, from: context.form.secret("current"), to: context.form.secret("password"),
                    visitor: Visitor(request, context.page)
                ).response(to: "/account?changed=1", isSecure: context.page.isSecure)
            } catch let refusal as Refusal {
                return try await show(context, problem: refusal.message)
            }
        }
        group.post("/account/timezone") { _, context in
            let zone = context.form.text("timezone")
            guard TimeZone(identifier: zone) != nil else { throw PageError.notFound }
            _ = try await users.change(context.userID) { user, _ in user.timezone = zone }
            return Response.seeOther("/account", .zone)
        }
        group.post("/account/api-key") { _, context in
            try await reveal(context, title: "API key") { try await users.user($0) }
        }
        group.post("/account/api-key/rotate") { _, context in
            try await reveal(context, title: "New API key") { try await users.rotateAPIKey(of: $0) }
        }
        group.post("/account/sessions/:session/end") { _, context in
            let (id, personID) = (context.parameters.get("session") ?? "", context.session.person.id)
            try await store.write(.user(context.userID)) { tx in
                guard
                    let found = try SessionQueries.list(of: personID, in: tx).first(where: {
                        $0.id == id
                    })
                else { throw PageError.notFound }
                try SessionQueries.delete(tokenHash: found.tokenHash, in: tx)
            }
            return Response.seeOther("/account")
        }
    }

    private struct Content {
        let email: String
        /// What a member of the team may do; nil for owners.
        let role: String?
        let id: String
        let maskedKey: String
        let sessions: [SessionLine]
        let hasTwoSteps: Bool
        let twoStep: String
        var problem: String?
        var keyProblem: String?
        var isChanged = false
        let zones: [ZoneGroup]
    }

    private struct SessionLine {
        let path: String
        let name: String
        let address: String
        let createdAt: String
        let lastSeenAt: String
        let isThisOne: Bool

        init(_ session: Session, current: Session) {
            path = "/account/sessions/\(session.id)/end"
            name = Visitor.name(of: session.agent)
            address = session.address
            createdAt = PageTime.shown(session.createdAt)
            lastSeenAt = PageTime.shown(session.lastSeenAt)
            isThisOne = session.id == current.id
        }
    }

    private func show(
        _ context: SignedInContext, problem: String? = nil, keyProblem: String? = nil, isChanged: Bool = false
    ) async throws -> Response {
        let userID = context.userID
        let key = try await users.user(userID).apiKey.exposed
        let sessions = try await store.read(.user(userID)) { tx in
            try SessionQueries.list(of: context.session.person.id, in: tx)
        }
        let factor = try await access.secondFactor(of: context.session)
        return views.page(
            .account, "Account",
            Content(
                email: context.session.email,
                role: context.session.role == .owner ? nil : TeamPages.words(context.session.role), id: userID.text,
                maskedKey: "\(key.prefix(3))…\(key.suffix(4))",
                sessions: sessions.map { SessionLine($0, current: context.session) }, hasTwoSteps: factor != nil,
                twoStep: TwoStepPages.words(factor), problem: problem, keyProblem: keyProblem, isChanged: isChanged,
                zones: ZoneGroup.all(chosen: context.session.timezone)),
            context, status: problem == nil && keyProblem == nil ? .ok : .unprocessableContent)
    }

    /// Shows a key in the answer itself, once the password was given: no address leads to it, and nothing keeps it.
    private func reveal(
        _ context: SignedInContext, title: String, _ key: (UserID) async throws -> User
    ) async throws -> Response {
        do {
            try await access.confirm(context.form.secret("current"), of: context.session)
        } catch let refusal as Refusal {
            return try await show(context, keyProblem: refusal.message)
        }
        let apiKey = try await key(context.userID).apiKey.exposed
        return views.page(
            .apiKey, title,
            ShownKey(
                title: title, back: "/account", backName: "Account",
                power: "Whoever has this key can send and read every message of the account.", apiKey: apiKey,
                code: QRCode(apiKey)), context)
    }
}
