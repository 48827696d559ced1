import Delivery
import Hummingbird
import Storage

/// `/v1/contacts`, as httpSMS has it in its branch `feature/contacts` (at ef57f748).
struct ContactRoutes {
    let operations: ContactOperations

    func add(to group: RouterGroup<UserContext>) {
        group.get("/v1/contacts", use: list)
        group.post("/v1/contacts", use: create)
        group.put("/v1/contacts/:contactID", use: update)
        group.delete("/v1/contacts/:contactID", use: delete)
    }

    private func list(_ request: Request, _ context: UserContext) async throws -> Reply {
        var errors = FieldErrors()
        let page = Page(QueryParameters(request), limit: 20, errors: &errors)
        try errors.check("validation errors while listing contacts")
        let (contacts, total) = try await operations.list(page.withOneMore, userID: context.userID)
        return Reply(Part(contacts, of: page), "contact", of: total)
    }

    private func create(_ request: Request, _ context: UserContext) async throws -> Reply {
        let body = try await request.decode(ContactsBody.self, in: context)
        let receipt = context.receipt(of: [Contact].self) { contacts in
            Reply(
                "created \(contacts.count) contact\(contacts.count == 1 ? "" : "s")", contacts, status: .created)
        }
        return receipt.reply(
            try await operations.create(body.contacts, userID: context.userID, receipt: receipt))
    }

    private func update(_ request: Request, _ context: UserContext) async throws -> Reply {
        let (id, text) = try Self.id(context, or: "validation errors while updating contact")
        let draft = try await request.decode(ContactDraft.self, in: context)
        guard let contact = try await operations.update(id, draft, userID: context.userID) else {
            throw Self.notFound(text)
        }
        return Reply("contact updated successfully", contact)
    }

    private func delete(_ request: Request, _ context: UserContext) async throws -> Response {
        let (id, text) = try Self.id(context, or: "validation errors while deleting contact")
        guard try await operations.delete(id, userID: context.userID) else { throw Self.notFound(text) }
        return .noContent
    }

    private static func id(
        _ context: UserContext, or message: String
    ) throws(Refusal) -> (ContactID, text: String) {
        let text = context.parameters.get("contactID") ?? ""
        var errors = FieldErrors()
        let id = errors.requireID("contactID", text, of: ContactID.self)
        try errors.check(message)
        guard let id else { throw notFound(text) }
        return (id, text)
    }

    private static func notFound(_ text: String) -> Refusal {
        Refusal.absent("cannot find contact with ID [\(text)]")
    }
}
