import Hummingbird
import Storage
import Wire

/// `/v1/audit-log`. It is in no scope of ``KeyScope``: a program that is watched does not read the log.
struct AuditRoutes: Sendable {
    let store: any Store

    func add(to group: RouterGroup<UserContext>) {
        group.get("/v1/audit-log", use: list)
    }

    private func list(_ request: Request, _ context: UserContext) async throws -> Reply {
        let parameters = QueryParameters(request)
        var errors = FieldErrors()
        let page = Page(parameters, limit: 20, skips: false, errors: &errors)
        let actions = (parameters["actions"] ?? "").split(separator: ",").map(\.trimmed).filter { !$0.isEmpty }
        if actions.contains(where: { !AuditAction.known.contains($0) }) {
            errors.add("actions", "The actions field must name some of: \(AuditAction.known.joined(separator: ", "))")
        }
        var filter = AuditQueries.Filter(actions: Array(Set(actions)))
        let subject = (parameters["subject"] ?? "").trimmed
        if !subject.isEmpty { filter.subject = subject }
        errors.requireCharacters("subject", subject, max: AuditEntry.longest)
        if let cursor = parameters.cursor {
            filter.before = AuditEntryID(cursor)
            if filter.before == nil { errors.add("cursor", Page.wrongCursor) }
        }
        try errors.check("validation errors while fetching the audit log")
        let entries = try await store.read(.user(context.userID)) { [filter] tx in
            try AuditQueries.list(
                userID: context.userID, filter, limit: Page.oneMore(than: page.limit), in: tx)
        }
        return Reply(Part(entries, limit: page.limit, cursor: \.id.text), "audit entry", plural: "audit entries")
    }
}
