import Delivery
import Hummingbird
import Storage

/// `/v1/texts`.
struct SavedTextRoutes {
    let operations: SavedTextOperations

    func add(to group: RouterGroup<UserContext>) {
        group.get("/v1/texts", use: list)
        group.post("/v1/texts", use: create)
        group.get("/v1/texts/:textID", use: show)
        group.put("/v1/texts/:textID", use: update)
        group.delete("/v1/texts/:textID", use: delete)
    }

    private func list(_ request: Request, _ context: UserContext) async throws -> Reply {
        var errors = FieldErrors()
        let page = Page(QueryParameters(request), limit: 20, errors: &errors)
        try errors.check("validation errors while listing texts")
        let (texts, total) = try await operations.list(page.withOneMore, userID: context.userID)
        return Reply(Part(texts, of: page), "text", of: total)
    }

    private func create(_ request: Request, _ context: UserContext) async throws -> Reply {
        let draft = try await request.decode(SavedTextDraft.self, in: context)
        let receipt = context.receipt(of: SavedText.self) {
            Reply("text created successfully", $0, status: .created)
        }
        return receipt.reply(try await operations.create(draft, userID: context.userID, receipt: receipt))
    }

    private func show(_ request: Request, _ context: UserContext) async throws -> Reply {
        let id = try context.id("textID", of: SavedTextID.self, else: "validation errors while fetching text")
        guard let text = try await operations.find(id, userID: context.userID) else { throw Self.notFound(id) }
        return Reply("text fetched successfully", text)
    }

    private func update(_ request: Request, _ context: UserContext) async throws -> Reply {
        let id = try context.id("textID", of: SavedTextID.self, else: "validation errors while updating text")
        let draft = try await request.decode(SavedTextDraft.self, in: context)
        guard let text = try await operations.update(id, draft, userID: context.userID) else {
            throw Self.notFound(id)
        }
        return Reply("text updated successfully", text)
    }

    private func delete(_ request: Request, _ context: UserContext) async throws -> Response {
        let id = try context.id("textID", of: SavedTextID.self, else: "validation errors while deleting text")
        guard try await operations.delete(id, userID: context.userID) else { throw Self.notFound(id) }
        return .noContent
    }

    private static func notFound(_ id: SavedTextID) -> Refusal {
        Refusal.absent("cannot find text with ID [\(id)]")
    }
}
