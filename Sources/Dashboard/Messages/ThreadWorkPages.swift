import Gateway
import Hummingbird
import Timestamps

/// Who looks after a conversation, and notes about it: forms of the conversation's page.
struct ThreadWorkPages: Sendable {
    let threads: MessageThreadOperations

    func add(to group: RouterGroup<SignedInContext>) {
        group.post("/messages/:threadID/assign") { _, context in
            let assignee = context.form.text("assignee")
            return try await change(context) { id in
                try await threads.assign(id, to: assignee.isEmpty ? nil : assignee, of: context.userID)
            }
        }
        group.post("/messages/:threadID/notes") { _, context in
            try await change(context) { id in
                try await threads.note(
                    context.form.text("content"), on: id, by: context.session.email, of: context.userID)
            }
        }
        group.post("/messages/:threadID/notes/:noteID/delete") { _, context in
            let note = try context.id("noteID", of: ThreadNoteID.self)
            return try await change(context) { id in
                try await threads.delete(note, on: id, of: context.userID)
            }
        }
    }

    private func change(
        _ context: SignedInContext, _ body: (MessageThreadID) async throws -> Bool
    ) async throws -> Response {
        let id = try context.id("threadID", of: MessageThreadID.self)
        guard try await body(id) else { throw PageError.notFound }
        return Response.seeOther(ThreadPages.path(of: id) + "#work")
    }
}

/// What the page of a conversation shows of it.
struct ThreadWorkCard: Sendable {
    struct Note: Sendable {
        let path: String
        let author: String
        let time: String
        let content: String
    }

    /// Who may look after it, nobody first; empty when one person works alone.
    let people: [Choice]
    let hasTeam: Bool
    let notes: [Note]
    /// How many there are; nil for none.
    let count: Int?
    /// Whether it is open without being asked: there is something to see.
    let isOpen: Bool

    init(_ work: ThreadWork, on id: MessageThreadID) {
        hasTeam = work.people.count > 1 || work.assignee != nil
        // Who left the team stays visible until somebody else is chosen.
        let gone = work.assignee.flatMap { work.people.contains($0) ? nil : $0 }
        people =
            !hasTeam
            ? []
            : [Choice(value: "", isChosen: work.assignee == nil, note: "nobody")]
                + (work.people + [gone].compactMap(\.self)).map {
                    Choice(value: $0, isChosen: $0 == work.assignee, note: $0)
                }
        notes = work.notes.map {
            Note(
                path: "\(ThreadPages.path(of: id))/notes/\($0.id)", author: $0.author,
                time: PageTime.shown($0.createdAt), content: $0.content)
        }
        count = notes.isEmpty ? nil : notes.count
        isOpen = !notes.isEmpty || work.assignee != nil
    }
}
