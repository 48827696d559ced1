import Delivery
import Gateway
import Hummingbird
import Storage
import Timestamps
import Wire

/// Texts that are sent again and again: the list, and the form that adds and changes one.
struct SavedTextPages: Sendable {
    let operations: SavedTextOperations
    let receipts: FormReceipts
    let views: PageViews

    static let path = "/messages/texts"

    private static func path(of id: SavedTextID) -> String { "\(path)/\(id)" }

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/messages/texts", use: list)
        group.get("/messages/texts/new") { _, context in show(nil, context) }
        group.post("/messages/texts/new") { _, context in try await save(nil, context) }
        group.get("/messages/texts/:textID") { _, context in try await show(find(context), context) }
        group.post("/messages/texts/:textID") { _, context in try await save(find(context), context) }
        group.post("/messages/texts/:textID/delete") { _, context in
            let id = try context.id("textID", of: SavedTextID.self)
            guard try await operations.delete(id, userID: context.userID) else { throw PageError.notFound }
            return Response.seeOther(Self.path, .deleted)
        }
    }

    private func find(_ context: SignedInContext) async throws -> SavedText {
        let id = try context.id("textID", of: SavedTextID.self)
        guard let text = try await operations.find(id, userID: context.userID) else { throw PageError.notFound }
        return text
    }

    private struct ListContent {
        let texts: [Line]
        let total: String
        let isOne: Bool
        let isEmpty: Bool
        let newerPage: String?
        let olderPage: String?
    }

    private struct Line {
        let path: String
        let usePath: String
        let name: String
        let gist: String
        let parts: String
        /// As they are written; nil when it has none.
        let placeholders: String?

        init(_ text: SavedText) {
            path = SavedTextPages.path(of: text.id)
            usePath = PageLink.to("/messages/new", ["text": text.id.text])
            name = text.name.firstScalars(SavedTextDraft.longestName)
            gist = text.content.unicodeScalars.count > 160 ? text.content.firstScalars(160) + "…" : text.content
            parts = SMSParts(text.content).words
            let names = PlaceholderText(text.content).names
            placeholders =
                names.isEmpty
                ? nil : names.prefix(PlaceholderText.mostPlaceholders).map { "{{\($0)}}" }.joined(separator: ", ")
        }
    }

    private func list(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let slice = ListSlice(QueryParameters(request), size: 30, most: SavedText.mostOfAccount)
        let (texts, total) = try await operations.list(slice.page(), userID: context.userID)
        func path(skip: Int) -> String { PageLink.to(Self.path, ["skip": skip > 0 ? String(skip) : ""]) }
        return views.page(
            .texts, "Saved texts",
            ListContent(
                texts: texts.prefix(slice.size).map(Line.init), total: Figure.shown(Int64(total)),
                isOne: total == 1, isEmpty: total == 0,
                newerPage: slice.newerPage(path), olderPage: slice.olderPage(of: texts.count, path)),
            context)
    }

    private struct Content {
        let title: String
        let action: String
        let deletePath: String?
        let name: String
        let content: String
        /// How many SMS it takes, with its placeholders as they are written; nil while it is empty.
        let parts: String?
        let once: String
        let problem: String?
        let nameProblems: [String]
        let contentProblems: [String]
    }

    /// Shows the form for `text`, nil for a new one, with what `draft` says when it was not taken.
    private func show(
        _ text: SavedText?, _ context: SignedInContext, draft: SavedTextDraft? = nil, refusal: Refusal? = nil
    ) -> Response {
        let title = text == nil ? "New text" : "Saved text"
        let content = draft?.content ?? text?.content ?? ""
        let problems = PageProblems.all(refusal)
        return views.page(
            .textForm, title,
            Content(
                title: title, action: text.map { Self.path(of: $0.id) } ?? "\(Self.path)/new",
                deletePath: text.map { "\(Self.path(of: $0.id))/delete" }, name: draft?.name ?? text?.name ?? "",
                content: content, parts: content.isEmpty ? nil : SMSParts(ofField: content).words,
                once: FormReceipts.token(),
                problem: refusal.map {
                    problems.isEmpty ? $0.message : "Nothing was saved. Check the highlighted fields."
                },
                nameProblems: problems["name"] ?? [], contentProblems: problems["content"] ?? []),
            context, status: refusal?.status ?? .ok)
    }

    /// Adds a text, or changes the one that is there.
    private func save(_ text: SavedText?, _ context: SignedInContext) async throws -> Response {
        let draft = SavedTextDraft(name: context.form.text("name"), content: context.form.text("content"))
        do {
            if let text {
                let changed = try await operations.update(text.id, draft, userID: context.userID)
                guard changed != nil else { throw PageError.notFound }
            } else {
                _ = try await operations.create(
                    draft, userID: context.userID, receipt: receipts.receipt(of: context))
            }
        } catch is Replayed {
            // It was added by the first of two clicks.
        } catch let refusal as Refusal where refusal.kind == .quota || refusal.kind == .invalid {
            return show(text, context, draft: draft, refusal: refusal)
        }
        return .seeOther(Self.path, .saved)
    }
}
