import Delivery
import Gateway
import Hummingbird
import Storage
import Timestamps

/// SMS that wait for a time of their own: what will go out, changing it, sending it now, and cancelling it.
struct PlannedPages: Sendable {
    let operations: MessageOperations
    let texts: SavedTextOperations
    let views: PageViews

    static let path = "/messages/planned"

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/messages/planned", use: list)
        group.get("/messages/planned/:messageID") { _, context in try await edit(context) }
        group.post("/messages/planned/:messageID", use: save)
        group.post("/messages/planned/:messageID/now") { _, context in
            try await plan(context, content: nil, sendAt: operations.clock.now())
            return Response.seeOther(Self.path, .now)
        }
        group.post("/messages/planned/:messageID/cancel") { _, context in
            guard try await operations.delete(context.id("messageID", of: MessageID.self), userID: context.userID)
            else {
                throw PageError.notFound
            }
            return Response.seeOther(Self.path, .cancelled)
        }
    }

    private struct ListContent {
        let tabs: InboxTabs
        let messages: [Line]
        let newerPage: String?
        let olderPage: String?
        let newPath: String
    }

    private struct Line {
        let path: String
        let time: String
        let owner: String
        let message: MessageLine
    }

    private func list(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let userID = context.userID
        let parameters = QueryParameters(request)
        let owner = PhoneNumber.address(parameters["owner"] ?? "")
        let slice = ListSlice(parameters, size: 30)
        let (messages, count) = try await operations.store.read(.user(userID)) { tx in
            (
                try MessageQueries.planned(of: userID, owner: owner.isEmpty ? nil : owner, page: slice.page(), in: tx),
                try MessageQueries.plannedCount(of: userID, in: tx)
            )
        }
        let now = operations.clock.now()
        func path(skip: Int) -> String {
            PageLink.to(Self.path, ["owner": owner, "skip": skip > 0 ? String(skip) : ""])
        }
        return views.page(
            .planned, "Planned",
            ListContent(
                tabs: InboxTabs(.planned, owner: owner, planned: count, unread: context.page.menu.unread),
                messages: messages.prefix(slice.size).map { message in
                    Line(
                        path: "\(Self.path)/\(message.id)",
                        time: message.plannedAt.map(PageTime.date) ?? "", owner: PageParty.number(message.owner),
                        message: MessageLine(message, now: now))
                },
                newerPage: slice.newerPage(path),
                olderPage: slice.olderPage(of: messages.count, path),
                newPath: PageLink.to("/messages/new", ["from": owner])),
            context)
    }

    private struct Content {
        let path: String
        let contact: String
        let owner: String
        let content: String
        let sendAt: String
        let zone: String
        let problem: String?
        let contentProblems: [String]
        let sendAtProblems: [String]
    }

    private func edit(
        _ context: SignedInContext, content: String? = nil, sendAt: String? = nil, refusal: Refusal? = nil,
        missing: [String] = []
    ) async throws -> Response {
        let message = try await message(context)
        let id = message.id
        // What was handed out has a page of its own.
        guard message.isPlanned else { return .seeOther(MessagePages.path(of: id)) }
        let problems = PageProblems.all(refusal)
        return views.page(
            .plannedForm, "Planned SMS",
            Content(
                path: "\(Self.path)/\(id)", contact: PageParty.full(message.contact),
                owner: PageParty.number(message.owner),
                content: content ?? message.content,
                sendAt: sendAt ?? message.scheduledSendTime.map { String(context.page.times.field($0).prefix(16)) }
                    ?? "",
                zone: context.page.times.zoneName,
                problem: refusal.map {
                    problems.isEmpty && missing.isEmpty
                        ? $0.message : "Nothing was saved. Check the highlighted fields."
                },
                contentProblems: (problems["content"] ?? []) + TextChoice.words(missing),
                sendAtProblems: problems["send_at"] ?? []),
            context, status: refusal?.status ?? .ok)
    }

    private func save(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let (content, sendAt) = (context.form.text("content"), context.form.text("send_at"))
        do {
            let time = context.page.times.time(ofField: sendAt)
            guard let time, !time.isLongPast(at: operations.clock.now()) else {
                var errors = FieldErrors()
                errors.add("send_at", "Choose a date and a time that is not over.")
                throw Refusal(.invalid, "validation errors while updating message", problems: errors.messages)
            }
            let message = try await message(context)
            let left = try await texts.placeholders(leftIn: content, for: message.contact, userID: context.userID)
            // A program may have planned it so.
            if !left.isEmpty, content != message.content {
                return try await edit(
                    context, content: content, sendAt: sendAt, refusal: TextChoice.unfilled, missing: left)
            }
            try await plan(context, content: content, sendAt: time)
            return .seeOther(Self.path, .saved)
        } catch let refusal as Refusal where refusal.kind == .invalid {
            return try await edit(context, content: content, sendAt: sendAt, refusal: refusal)
        }
    }

    private func message(_ context: SignedInContext) async throws -> Message {
        let (id, userID) = (try context.id("messageID", of: MessageID.self), context.userID)
        let found = try await operations.store.read(.user(userID)) { tx in
            try MessageQueries.find(id, userID: userID, in: tx)
        }
        guard let found else { throw PageError.notFound }
        return found
    }

    private func plan(_ context: SignedInContext, content: String?, sendAt: Timestamp) async throws {
        let message = try await operations.plan(
            context.id("messageID", of: MessageID.self), content: content, sendAt: sendAt, userID: context.userID)
        guard message != nil else { throw PageError.notFound }
    }
}
