import Delivery
import Gateway
import Hummingbird
import Storage
import Timestamps

/// One conversation: its messages, an answer, and what can be done with it.
struct ThreadPages: Sendable {
    let operations: MessageOperations
    let threads: MessageThreadOperations
    let texts: SavedTextOperations
    let receipts: FormReceipts
    let views: PageViews

    /// Where a conversation is.
    static func path(of id: MessageThreadID) -> String { "/messages/\(id)" }

    /// Where the conversation of two parties is; the list when there is none, as after its last message was deleted.
    static func path(
        owner: String, contact: String, userID: UserID, in store: any Store
    ) async throws -> String {
        let thread = try await store.read(.user(userID)) { tx in
            try MessageThreadQueries.find(owner: owner, contact: contact, userID: userID, in: tx)
        }
        return thread.map { path(of: $0.id) } ?? PageLink.to("/messages", ["owner": owner])
    }

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/messages/:threadID") { request, context in
            let parameters = QueryParameters(request)
            if let text = parameters["text"] { return try await fill(text, context) }
            return try await show(context, ListSlice(parameters, size: Self.pageSize))
        }
        group.post("/messages/:threadID", use: reply)
        group.post("/messages/:threadID/archive") { _, context in
            try await mark(context, isArchived: true, .archived)
        }
        group.post("/messages/:threadID/unarchive") { _, context in
            try await mark(context, isArchived: false, .unarchived)
        }
        group.post("/messages/:threadID/unread") { _, context in
            try await mark(context, isRead: false, .unread)
        }
        group.post("/messages/:threadID/delete") { _, context in
            let id = try context.id("threadID", of: MessageThreadID.self)
            guard try await threads.delete(id, of: context.userID) else { throw PageError.notFound }
            return Response.seeOther("/messages", .deleted)
        }
    }

    private struct Content {
        let path: String
        let listPath: String
        let owner: String
        let contact: String
        /// The other party with the number.
        let party: String
        let isArchived: Bool
        /// Where the other party gets a name, or has one; nil for who is no number.
        let contactPath: String?
        let isKnown: Bool
        /// The number for other apps; nil for who has none.
        let number: String?
        /// Whether the other party is a number, and not a name that nobody can write to.
        let canReply: Bool
        let once: String
        let content: String
        let choice: TextChoice
        /// Whether a saved text was put in just now.
        let isFilled: Bool
        /// How many SMS the answer takes; nil while there is none.
        let parts: String?
        /// What is to be done about placeholders without a value.
        let missing: [String]
        /// Whether there is something missing.
        let isIncomplete: Bool
        let problem: String?
        let contentProblems: [String]
        /// What is to be done about the phone before it can send an answer; nil when it can.
        let trouble: ReachLine?
        let messages: [MessageLine]
        let work: ThreadWorkCard
        /// Set on the newest page only: nothing new comes to the others.
        let isLive: Bool
        let olderPage: String?
    }

    private func show(
        _ context: SignedInContext, _ slice: ListSlice = ListSlice(size: Self.pageSize), content: String = "",
        refusal: Refusal? = nil, missing: [String] = [], isFilled: Bool = false, chosen: String = ""
    ) async throws -> Response {
        let (id, userID) = (try context.id("threadID", of: MessageThreadID.self), context.userID)
        let found = try await operations.store.read(.user(userID)) { [pushes = operations.pushes] tx in
            try MessageThreadQueries.find(id, userID: userID, in: tx).map { thread in
                (
                    thread: thread,
                    messages: try MessagePlanner.forecast(
                        for: MessageQueries.list(
                            userID: userID, owner: thread.owner, contact: thread.contact, page: slice.page(), in: tx),
                        in: tx),
                    work: try ThreadWorkQueries.work(on: id, userID: userID, in: tx),
                    contactID: try ContactQueries.id(of: thread.contact, userID: userID, in: tx),
                    choice: try TextChoice(of: userID, chosen: chosen, in: tx),
                    reach: try PhoneQueries.look(number: thread.owner, userID: userID, in: tx).map {
                        ReachLine(try PhoneReach(of: $0, pushes: pushes, in: tx), of: $0)
                    }
                )
            }
        }
        guard let (thread, messages, work, contactID, choice, reach) = found else { throw PageError.notFound }
        // Whoever has it open has read it, whatever comes in meanwhile.
        if !thread.isRead { try await threads.mark(id, of: userID, isRead: true) }
        let canReply = PhoneNumber.isContact(thread.contact)
        let problems = PageProblems.all(refusal)
        let contentProblems = problems["content"] ?? []
        return views.page(
            .conversation, PageParty.text(thread.contact),
            Content(
                path: Self.path(of: id),
                listPath: PageLink.to("/messages", ["archived": thread.isArchived ? "1" : ""]),
                owner: PageParty.number(thread.owner), contact: PageParty.name(thread.contact),
                party: PageParty.full(thread.contact), isArchived: thread.isArchived,
                contactPath: canReply
                    ? contactID.map { PageLink.to(ContactPages.path(of: $0), ["thread": id.text]) }
                        ?? PageLink.to("\(ContactPages.path)/new", ["number": thread.contact, "thread": id.text]) : nil,
                isKnown: contactID != nil, number: canReply ? thread.contact : nil,
                canReply: canReply, once: FormReceipts.token(), content: content,
                choice: choice, isFilled: isFilled,
                parts: content.isEmpty ? nil : SMSParts(ofField: content).words, missing: TextChoice.words(missing),
                isIncomplete: !missing.isEmpty,
                problem: refusal.map { refusal in
                    contentProblems.isEmpty
                        ? problems.values.flatMap(\.self).first ?? refusal.message : "The message was not sent."
                },
                contentProblems: contentProblems, trouble: reach.flatMap { $0.kind == "problem" ? $0 : nil },
                messages: MessageLine.conversation(
                    messages.prefix(slice.size).reversed(), context.page.times),
                work: ThreadWorkCard(work, on: id), isLive: slice.isFirst,
                olderPage: slice.olderPage(of: messages.count) { "?skip=\($0)" }),
            context, status: refusal?.status ?? .ok)
    }

    private func reply(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let (id, userID) = (try context.id("threadID", of: MessageThreadID.self), context.userID)
        let found = try await operations.store.read(.user(userID)) { tx in
            try MessageThreadQueries.find(id, userID: userID, in: tx)
        }
        guard let thread = found else { throw PageError.notFound }
        let content = context.form.text("content")
        do {
            let draft = MessageOperations.Draft(
                from: thread.owner, to: thread.contact, content: content, attachments: [], isEncrypted: false,
                requestID: nil, sendAt: nil)
            try draft.check(at: operations.clock.now())
            let left = try await texts.placeholders(leftIn: content, for: thread.contact, userID: userID)
            if !left.isEmpty {
                return try await show(context, content: content, refusal: TextChoice.unfilled, missing: left)
            }
            _ = try await operations.send(
                draft, userID: userID, source: MessagePages.sendSource, receipt: receipts.receipt(of: context))
        } catch is Replayed {
            // It was sent by the first of two clicks, and is in the conversation.
        } catch let refusal as Refusal where refusal.kind == .invalid {
            return try await show(context, content: content, refusal: refusal)
        }
        return .seeOther(Self.path(of: id))
    }

    /// Shows the conversation with the saved text of the id `text` in the answer box.
    private func fill(_ text: String, _ context: SignedInContext) async throws -> Response {
        let (id, userID) = (try context.id("threadID", of: MessageThreadID.self), context.userID)
        let found = try await operations.store.read(.user(userID)) { tx in
            try MessageThreadQueries.find(id, userID: userID, in: tx)
        }
        guard let thread = found else { throw PageError.notFound }
        guard let chosen = SavedTextID(text),
            let filled = try await texts.filled(chosen, for: thread.contact, userID: userID)
        else { return try await show(context, refusal: TextChoice.none) }
        return try await show(
            context, content: filled.text, missing: filled.missing, isFilled: true, chosen: chosen.text)
    }

    /// Marks a conversation and shows the list, as opening it would mark it read.
    private func mark(
        _ context: SignedInContext, isArchived: Bool? = nil, isRead: Bool? = nil, _ notice: PageNotice
    ) async throws -> Response {
        let id = try context.id("threadID", of: MessageThreadID.self)
        let marked = try await threads.mark(id, of: context.userID, isArchived: isArchived, isRead: isRead)
        guard marked != nil else { throw PageError.notFound }
        return .seeOther("/messages", notice)
    }

    private static let pageSize = 50
}
