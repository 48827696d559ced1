import Delivery
import Gateway
import Hummingbird
import Secrets
import Storage
import Timestamps

/// The phone API keys: which there are, and what can be taken from them. ``NewPhonePages`` makes them.
struct PhoneKeyPages: SignedInPages {
    let operations: PhoneAPIKeyOperations
    let views: PageViews

    static let path = "/phones/keys"

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/phones/keys", use: list)
        group.post("/phones/keys/:keyID/delete") { _, context in
            guard try await operations.delete(context.id("keyID", of: PhoneAPIKeyID.self), userID: context.userID)
            else {
                throw PageError.notFound
            }
            return Response.seeOther(Self.path)
        }
        group.post("/phones/keys/:keyID/remove") { _, context in
            guard let phone = PhoneID(context.form.text("phone_id")),
                try await operations.unbind(
                    phone, from: context.id("keyID", of: PhoneAPIKeyID.self), userID: context.userID)
            else { throw PageError.notFound }
            return Response.seeOther(Self.path)
        }
    }

    private struct Content {
        let isEmpty: Bool
        let keys: [Line]
        let nextPage: String?

        struct Line {
            let path: String
            let name: String
            let masked: String
            let createdAt: String
            let phones: [BoundPhone]
            let moves: [PhoneMoveLine]
        }

        struct BoundPhone {
            let id: String
            let number: String
        }
    }

    private func list(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let slice = ListSlice(QueryParameters(request), size: 25)
        let keys = try await operations.list(userID: context.userID, page: slice.page())
        let ids = keys.map(\.id)
        let moves = try await operations.store.read(.user(context.userID)) { tx in
            try PhoneMoveQueries.list(of: ids, userID: context.userID, in: tx)
        }
        return views.page(
            .phoneKeys, "Phone API keys",
            Content(
                isEmpty: keys.isEmpty && slice.isFirst,
                keys: keys.prefix(slice.size).map { key in
                    Content.Line(
                        path: "\(Self.path)/\(key.id)", name: key.name,
                        masked: "\(APIKey.phonePrefix)…\(key.apiKey.exposed.suffix(4))",
                        createdAt: PageTime.shown(key.createdAt),
                        phones: zip(key.phoneIDs, key.phoneNumbers).map { .init(id: $0.text, number: $1) },
                        moves: moves.filter { $0.fromKey == key.id || $0.toKey == key.id }.prefix(5)
                            .map { PhoneMoveLine($0) })
                },
                nextPage: slice.olderPage(of: keys.count) { "?skip=\($0)" }),
            context)
    }
}
