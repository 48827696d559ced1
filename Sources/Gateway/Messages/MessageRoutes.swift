import Delivery
import Hummingbird
import Storage
import Timestamps

/// `/v1/messages` for clients; see ``PhoneMessageRoutes`` for what phones call.
struct MessageRoutes {
    let store: any Store
    let operations: MessageOperations
    let callbacks: CallbackOperations
    let clock: any WallClock

    func add(to group: RouterGroup<UserContext>) {
        group.post("/v1/messages/send", use: send)
        group.post("/v1/messages/bulk-send", use: sendInBulk)
        group.get("/v1/messages", use: list)
        group.get("/v1/messages/search", use: search)
        group.get("/v1/messages/:messageID", use: get)
        group.put("/v1/messages/:messageID", use: plan)
        group.delete("/v1/messages/:messageID", use: delete)
    }

    private struct SendRequest: Decodable {
        let from: String?
        let to: String?
        let content: String?
        let attachments: [String]?
        let encrypted: Bool?
        let requestID: String?
        let sendAt: Timestamp?
        let callbackUrl: String?
    }

    private func send(_ request: Request, _ context: UserContext) async throws -> Reply {
        let body = try await request.decode(SendRequest.self, in: context)
        let draft = MessageOperations.Draft(
            reading: body.from, to: body.to, content: body.content, attachments: body.attachments,
            isEncrypted: body.encrypted, requestID: body.requestID, sendAt: body.sendAt)
        try draft.check(at: clock.now())
        let callback = try await callbacks.callback(
            body.callbackUrl, userID: context.userID, message: "validation errors while sending message")
        let receipt = context.receipt(of: Message.self) { Reply("message added to queue", $0) }
        let message = try await operations.send(
            draft, callback: callback, userID: context.userID, source: request.uri.path, receipt: receipt)
        return receipt.reply(message)
    }

    private struct BulkSendRequest: Decodable {
        let from: String?
        let to: [String]?
        let content: String?
        let attachments: [String]?
        let encrypted: Bool?
        let requestID: String?
        let callbackUrl: String?
    }

    private func sendInBulk(_ request: Request, _ context: UserContext) async throws -> Reply {
        let body = try await request.decode(BulkSendRequest.self, in: context)
        let draft = MessageOperations.Draft(
            reading: body.from, to: nil, content: body.content, attachments: body.attachments,
            isEncrypted: body.encrypted, requestID: body.requestID, sendAt: nil)
        // More than a thousand are refused anyway.
        let recipients = PhoneNumber.contacts((body.to ?? []).prefix(1_001), owner: draft.from)
        var errors = FieldErrors()
        errors.require("from", draft.from)
        errors.requirePhoneNumber("from", draft.from)
        errors.require("to", recipients)
        errors.requireCount("to", recipients, max: 1_000)
        errors.requireContacts("to", recipients)
        errors.require("content", draft.content)
        errors.requireCharacters("content", draft.content, max: 1_024)
        errors.requireAttachmentURLs("attachments", draft.attachments)
        errors.requireBytes("request_id", draft.requestID ?? "", max: 255)
        try errors.check("validation errors while sending messages")
        let callback = try await callbacks.callback(
            body.callbackUrl, userID: context.userID, message: "validation errors while sending messages")
        let receipt = context.receipt(of: [Message].self) { messages in
            Reply("\(messages.count) out of \(messages.count) messages processed successfully", messages)
        }
        let messages = try await operations.send(
            draft, to: recipients, callback: callback, userID: context.userID, source: request.uri.path,
            receipt: receipt)
        return receipt.reply(messages)
    }

    private func list(_ request: Request, _ context: UserContext) async throws -> Response {
        let parameters = QueryParameters(request)
        let owner = parameters.rawNumber("owner")
        let contact = PhoneNumber.contact(parameters.rawNumber("contact"), owner: owner)
        var errors = FieldErrors()
        errors.require("owner", owner)
        errors.requirePhoneNumber("owner", owner)
        errors.require("contact", contact)
        let page = Page(parameters, limit: 20, errors: &errors)
        try errors.check("validation errors while fetching messages")
        let messages = try await store.read(.user(context.userID)) { tx in
            try MessagePlanner.forecast(
                for: MessageQueries.list(
                    userID: context.userID, owner: owner, contact: contact, page: page.withOneMore, in: tx),
                in: tx)
        }
        return try await context.answer(Reply(Part(messages, of: page), "message"), texts: messages.flatMap(\.texts))
    }

    private func search(_ request: Request, _ context: UserContext) async throws -> Response {
        let search = try MessageSearch(QueryParameters(request))
        let messages = try await store.read(.user(context.userID)) { tx in
            try MessagePlanner.forecast(
                for: MessageQueries.find(search.withOneMore, userID: context.userID, in: tx), in: tx)
        }
        return try await context.answer(
            Reply(Part(messages, of: search.page), "message", verb: "found"), texts: messages.flatMap(\.texts))
    }

    private func get(_ request: Request, _ context: UserContext) async throws -> Reply {
        let id = try context.id("messageID", of: MessageID.self, else: "validation errors while fetching message")
        let message = try await store.read(.user(context.userID)) { tx in
            try MessageQueries.find(id, userID: context.userID, in: tx).flatMap {
                try MessagePlanner.forecast(for: [$0], in: tx).first
            }
        }
        guard let message else { throw Refusal.absent("cannot find message with ID [\(id)]") }
        return Reply("message fetched successfully", message)
    }

    private struct PlanRequest: Decodable {
        let content: String?
        let sendAt: Timestamp?
    }

    private func plan(_ request: Request, _ context: UserContext) async throws -> Reply {
        let body = try await request.decode(PlanRequest.self, in: context)
        let id = try context.id("messageID", of: MessageID.self, else: "validation errors while updating message")
        let message = try await operations.plan(
            id, content: body.content, sendAt: body.sendAt, userID: context.userID)
        guard let message else { throw Refusal.absent("cannot find message with ID [\(id)]") }
        return Reply("message updated successfully", message)
    }

    private func delete(_ request: Request, _ context: UserContext) async throws -> Response {
        let id = try context.id("messageID", of: MessageID.self, else: "validation errors while deleting message")
        guard try await operations.delete(id, userID: context.userID) else {
            throw Refusal.absent("cannot find message with ID [\(id)]")
        }
        return .noContent
    }
}
