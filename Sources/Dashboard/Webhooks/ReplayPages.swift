import Delivery
import Gateway
import HTTPSMSWebhooks
import Hummingbird
import Storage
import Timestamps

/// Sending events of the past to a webhook again, and how far that is.
struct ReplayPages: SignedInPages {
    let operations: WebhookOperations
    let views: PageViews

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/settings/webhooks/:webhookID/replay") { _, context in
            let now = operations.clock.now()
            return try await form(
                context,
                Content(
                    since: context.page.times.field(now - .seconds(86_400)), until: context.page.times.field(now),
                    chosen: [.failed],
                    problems: []))
        }
        group.post("/settings/webhooks/:webhookID/replay", use: begin)
        group.get("/replays/:replayID", use: show)
    }

    private struct Content {
        var path = ""
        var url = ""
        var zone = ""
        let since: String
        let until: String
        let hasFailed: Bool
        let hasSucceeded: Bool
        let hasUnmatched: Bool
        let types: [Choice]
        let code: String
        let contact: String
        let problems: [String]

        init(
            since: String, until: String, chosen: [ReplayedStatus], type: String = "", code: String = "",
            contact: String = "", problems: [String]
        ) {
            self.since = since
            self.until = until
            self.problems = problems
            types = Choice.all(EventType.allCases.map(\.rawValue), chosen: type)
            self.code = code
            self.contact = contact
            hasFailed = chosen.contains(.failed)
            hasSucceeded = chosen.contains(.succeeded)
            hasUnmatched = chosen.contains(.unmatched)
        }
    }

    private func form(_ context: SignedInContext, _ content: Content) async throws -> Response {
        let (id, userID) = (try context.id("webhookID", of: EndpointID.self), context.userID)
        let endpoint = try await operations.store.read(.user(userID)) { [endpoints = operations.endpoints] tx in
            try endpoints.find(id, userID: userID, in: tx)
        }
        guard let endpoint else { throw PageError.notFound }
        var content = content
        content.path = "\(WebhookPages.path)/\(id)"
        content.url = endpoint.url
        content.zone = context.page.times.zoneName
        return views.page(
            .replayForm, "Replay", content, context, status: content.problems.isEmpty ? .ok : .unprocessableContent)
    }

    @Sendable private func begin(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let id = try context.id("webhookID", of: EndpointID.self)
        let (since, until) = (context.form.text("since"), context.form.text("until"))
        let statuses = context.form.list("statuses")
        let (type, code) = (context.form.text("event_type"), context.form.text("status_code"))
        let contact = context.form.text("contact")
        do {
            var errors = FieldErrors()
            let from = try await beginning(since, context)
            let to = context.page.times.time(ofField: until)
            if from == nil { errors.add("since", "The beginning is a date and a time, such as 2026-07-22T10:00") }
            if to == nil, !until.isEmpty {
                errors.add("until", "The end is a date and a time, such as 2026-07-22T10:00")
            }
            if !code.isEmpty, !(100...599).contains(Int(code) ?? 0) {
                errors.add("status_code", "The answer is a number from 100 to 599, such as 502")
            }
            try errors.check("validation errors while creating replay")
            let filter = Replay.Filter(eventType: type.isEmpty ? nil : type, statusCode: Int(code), contact: contact)
            let replay = try await operations.replay(
                id, since: from, until: to, statuses: statuses, filter: filter, userID: context.userID,
                receipt: .unkept)
            guard let replay else { throw PageError.notFound }
            return .seeOther("/replays/\(replay.id)")
        } catch let refusal as Refusal where refusal.kind == .invalid {
            let problems = PageProblems.all(refusal).sorted { $0.key < $1.key }.flatMap(\.value)
            return try await form(
                context,
                Content(
                    since: since, until: until, chosen: statuses.compactMap(ReplayedStatus.init(rawValue:)),
                    type: type, code: code, contact: contact,
                    problems: problems.isEmpty ? [refusal.message] : problems))
        }
    }

    /// When what is sent begins: an empty field is when the first event was accepted. Nil when the field is no time, or there is
    /// no event.
    private func beginning(_ field: String, _ context: SignedInContext) async throws -> Timestamp? {
        guard field.isEmpty else { return context.page.times.time(ofField: field) }
        let userID = context.userID
        return try await operations.store.read(.user(userID)) { tx in
            try ReplayQueries.firstTime(userID: userID, in: tx)
        }
    }

    private struct Progress {
        let webhookPath: String
        let status: String
        let isRunning: Bool
        let since: String
        let until: String
        let statuses: String
        let type: String?
        let code: String?
        let contact: String?
        let done: String
        let total: String
        let replayed: String
        let percent: Int
    }

    @Sendable private func show(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let id = try context.id("replayID", of: ReplayID.self)
        let userID = context.userID
        let found = try await operations.store.read(.user(userID)) { tx in
            try ReplayQueries.find(id, userID: userID, in: tx)
        }
        guard let replay = found else { throw PageError.notFound }
        let isOver = replay.status != .running
        return views.page(
            .replay, "Replay",
            Progress(
                webhookPath: "\(WebhookPages.path)/\(replay.endpoint)", status: "\(replay.status)",
                isRunning: !isOver, since: PageTime.shown(replay.since), until: PageTime.shown(replay.until),
                statuses: replay.statuses.map(\.rawValue).joined(separator: ", "), type: replay.filter.eventType,
                code: replay.filter.statusCode.map { "\($0)" }, contact: replay.filter.contact,
                done: Figure.shown(Int64(replay.done)), total: Figure.shown(Int64(replay.total)),
                replayed: Figure.shown(Int64(replay.replayed)),
                percent: replay.status == .completed ? 100 : min(99, replay.done * 100 / max(replay.total, 1))),
            context)
    }
}
