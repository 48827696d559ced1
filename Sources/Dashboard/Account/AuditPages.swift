import Gateway
import Hummingbird
import NIOCore
import Storage
import Timestamps

/// The account's log of changes, as a page and as a file.
struct AuditPages: SignedInPages {
    let store: any Store
    let views: PageViews

    private struct Content {
        let lines: [Line]
        let isEmpty: Bool
        let isFirst: Bool
        let nextPage: String?

        struct Line {
            let time: String
            let who: String
            let what: String
            let subject: String?
            /// Where the subject is shown; nil for what has no page, or is gone.
            let path: String?
            let address: String?
        }
    }

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/account/log", use: list)
        group.get("/account/log.csv", use: export)
    }

    private func list(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let userID = context.userID
        let before = QueryParameters(request)["before"].flatMap { AuditEntryID($0) }
        let (entries, names) = try await store.read(.user(userID)) { tx in
            let filter = AuditQueries.Filter(before: before)
            let entries = try AuditQueries.list(userID: userID, filter, limit: Self.pageSize + 1, in: tx)
            return (entries, try Self.names(of: userID, in: tx))
        }
        let page = entries.prefix(Self.pageSize)
        let next = entries.count > Self.pageSize ? page.last?.id : nil
        return views.page(
            .audit, "Log of changes",
            Content(
                lines: page.map { Self.line($0, names) }, isEmpty: page.isEmpty, isFirst: before == nil,
                nextPage: next.map { "/account/log?before=\($0)" }), context)
    }

    private static func line(_ entry: AuditEntry, _ names: Names) -> Content.Line {
        Content.Line(
            time: PageTime.shown(entry.createdAt), who: who(entry.actor, names), what: entry.action.words,
            subject: entry.subject, path: path(of: entry), address: entry.address)
    }

    /// Who did it, at the beginning of a sentence.
    private static func who(_ actor: AuditEntry.Actor, _ names: Names) -> String {
        switch actor.kind {
        case .session: ((actor.id ?? names.owner).map { "\($0), " } ?? "") + Visitor.name(of: actor.agent)
        case .accountKey: "A program with the account's API key"
        case .accessKey:
            actor.id.flatMap { names.keys[$0] }.map { "The access key “\($0)”" } ?? "An access key that was deleted"
        case .serverOperator: "Whoever runs this server"
        }
    }

    /// What entries name by something else.
    private struct Names: Sendable {
        /// The names of the account's access keys by their ids.
        let keys: [String: String]
        /// The address of whoever made the account; nil when it is gone.
        let owner: String?
    }

    private static func names(of userID: UserID, in tx: any Transaction) throws -> Names {
        let keys = try AccessKeyQueries.list(userID: userID, page: AccessKeyOperations.wholeList, in: tx)
        return Names(
            keys: Dictionary(keys.map { ($0.id.text, $0.name) }, uniquingKeysWith: { $1 }),
            owner: try UserQueries.email(of: userID, in: tx))
    }

    private static func path(of entry: AuditEntry) -> String? {
        // Files are named by their references, not by ids.
        if entry.action.rawValue.hasPrefix("batch.") { return entry.subject.map(BulkPages.path(of:)) }
        guard let id = entry.subject.flatMap({ UUIDText.canonical($0) }), !entry.action.rawValue.hasSuffix(".deleted"),
            let root = roots.first(where: { entry.action.rawValue.hasPrefix($0.prefix) })?.root
        else { return nil }
        return root + id
    }

    /// Where things are shown that are named by their ids.
    private static let roots: [(prefix: String, root: String)] = [
        ("webhook.", "/settings/webhooks/"), ("delivery.", "/deliveries/"), ("forwarder.", "/phones/forwarders/"),
        ("phone.", "/phones/"), ("schedule.updated", "/phones/schedules/"), ("contact.updated", "/contacts/"),
        ("text.updated", "/messages/texts/"), ("message.updated", "/messages/message/"),
        ("conversation.", "/messages/"), ("note.", "/messages/"),
    ]

    /// All of it as CSV, a part at a time as the browser takes it.
    private func export(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let userID = context.userID
        let (store, times) = (store, context.page.times)
        let names = try await store.read(.user(userID)) { tx in try Self.names(of: userID, in: tx) }
        let body = ResponseBody { writer in
            let header = CSVCell.line(["Time (\(times.zoneName))", "Who", "Browser", "What", "Of", "From"])
            try await writer.write(ByteBuffer(bytes: CSVCell.mark + header))
            var before: AuditEntryID?
            for _ in 0..<Self.mostParts {
                let filter = AuditQueries.Filter(before: before)
                let entries = try await store.read(.user(userID)) { tx in
                    try AuditQueries.list(userID: userID, filter, limit: Self.partSize, in: tx)
                }
                let lines = entries.map { entry in
                    CSVCell.line([
                        times.cell(entry.createdAt), Self.who(entry.actor, names),
                        entry.actor.agent, entry.action.words, entry.subject ?? "", entry.address ?? "",
                    ])
                }
                if !lines.isEmpty { try await writer.write(ByteBuffer(bytes: lines.joined())) }
                before = entries.last?.id
                if entries.count < Self.partSize { break }
            }
            try await writer.finish(nil)
        }
        return .file("changes.csv", body)
    }

    private static let pageSize = 50
    private static let partSize = 500
    /// A million entries: nobody opens a longer file.
    private static let mostParts = 2_000
}
