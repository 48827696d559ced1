import Delivery
import Hummingbird
import Storage
import Wire

/// `/v1/message-threads`.
struct MessageThreadRoutes {
    let operations: MessageThreadOperations

    func add(to group: RouterGroup<UserContext>) {
        group.get("/v1/message-threads", use: list)
        group.put("/v1/message-threads/:messageThreadID", use: mark)
        group.delete("/v1/message-threads/:messageThreadID", use: delete)
    }

    private func list(_ request: Request, _ context: UserContext) async throws -> Response {
        let parameters = QueryParameters(request)
        let owner = PhoneNumber.address(parameters["owner"] ?? "")
        let archived = (parameters["is_archived"] ?? "").trimmed.lowercased()
        var errors = FieldErrors()
        errors.require("owner", owner)
        errors.requirePhoneNumber("owner", owner)
        if !["", "0", "1"].contains(archived) { errors.requireOne("is_archived", archived, of: ["true", "false"]) }
        let page = Page(parameters, limit: 20, errors: &errors)
        try errors.check("validation errors while fetching message threads")
        let threads = try await operations.store.read(.user(context.userID)) { tx in
            try MessageThreadQueries.list(
                userID: context.userID, owner: owner, isArchived: ["1", "true"].contains(archived),
                page: page.withOneMore, in: tx)
        }
        return try await context.answer(
            Reply(Part(threads, of: page), "message thread"), texts: threads.compactMap(\.lastMessageContent))
    }

    private struct MarkRequest: Decodable {
        let isArchived: Bool?
        let isRead: Bool?
    }

    private func mark(_ request: Request, _ context: UserContext) async throws -> Reply {
        let message = "validation errors while updating message thread"
        let body = try await request.decode(MarkRequest.self, in: context)
        let id = try context.id("messageThreadID", of: MessageThreadID.self, else: message)
        var errors = FieldErrors()
        if body.isArchived == nil, body.isRead == nil {
            errors.add("payload", "at least one of is_archived or is_read is required")
        }
        try errors.check(message)
        let thread = try await operations.mark(
            id, of: context.userID, isArchived: body.isArchived, isRead: body.isRead)
        guard let thread else { throw Self.notFound(id) }
        return Reply("message thread updated successfully", thread)
    }

    private func delete(_ request: Request, _ context: UserContext) async throws -> Response {
        let id = try context.id(
            "messageThreadID", of: MessageThreadID.self, else: "validation errors while deleting a message thread")
        guard try await operations.delete(id, of: context.userID) else { throw Self.notFound(id) }
        return .noContent
    }

    private static func notFound(_ id: MessageThreadID) -> Refusal {
        Refusal.absent("cannot find message thread with ID [\(id)]")
    }
}
