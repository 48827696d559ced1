import Delivery
import HTTPSMSWebhooks
import Hummingbird
import JSON
import Storage
import Timestamps
import Wire

/// The log of events: what happened, which webhooks heard of it, and pulling what push missed.
struct EventRoutes {
    let store: any Store
    let stream: EventStream

    func add(to group: RouterGroup<UserContext>) {
        group.get("/v1/events", use: list)
        group.get("/v1/events/stream", use: stream.open)
        group.get("/v1/events/:eventID", use: get)
        group.get("/v1/event-types") { _, _ in Reply(fetched: EventDeclaration.all, "event type") }
    }

    private func list(_ request: Request, _ context: UserContext) async throws -> Reply {
        let parameters = QueryParameters(request)
        var errors = FieldErrors()
        let page = Page(parameters, limit: 20, skips: false, errors: &errors)
        var (after, before): (Int64?, Int64?)
        if let text = parameters["after"] {
            after = Int64(text)
            if after == nil || !text.isDigits { errors.add("after", "The after field must be a position") }
        }
        // The first list goes from the newest back, one with `after` goes on: so does its cursor, by its sign.
        if let cursor = parameters.cursor {
            let position = Int64(cursor.drop { $0 == "-" })
            (after, before) = cursor.hasPrefix("-") ? (nil, position) : (position, nil)
            if position == nil || "\(before.map { -$0 } ?? after ?? 0)" != cursor {
                errors.add("cursor", Page.wrongCursor)
            }
        }
        let filter = Self.filter(parameters, &errors)
        try errors.check("validation errors while fetching events")
        try await EventNumbering.catchUp(store)
        // Shorter than was asked for where the events are large: who follows `next_cursor` gets them all.
        let found = try await store.read(.user(context.userID)) { [after, before, filter] tx in
            try EventLog.page(
                userID: context.userID, after: after, before: before, filter, limit: page.limit, in: tx)
        }
        let part = Part(found.events, next: found.next.map { (after == nil ? "-" : "") + "\($0)" })
        return Reply(part, "event")
    }

    private func get(_ request: Request, _ context: UserContext) async throws -> Reply {
        let id = try context.id("eventID", of: EventID.self, else: "validation errors while fetching event")
        let event = try await store.read(.user(context.userID)) { tx in
            try EventLog.find(id, userID: context.userID, in: tx)
        }
        guard let event else { throw Refusal.absent("cannot find event with ID [\(id)]") }
        try context.identity.requireOwnKey(where: event.type == AuditLog.eventType)
        return Reply("event fetched successfully", event)
    }

    /// Reads `types`, separated by commas, and `owner`.
    static func filter(_ parameters: QueryParameters, _ errors: inout FieldErrors) -> EventLog.Filter {
        var filter = EventLog.Filter()
        filter.types = (parameters["types"] ?? "").split(separator: ",").map(\.trimmed).filter { !$0.isEmpty }
        if let unknown = filter.types.first(where: { EventType(rawValue: $0) == nil }) {
            errors.add("types", "The types field has an invalid event with name [\(unknown)]")
        }
        if let owner = parameters["owner"], !owner.isEmpty {
            filter.owner = PhoneNumber.address(owner)
        }
        return filter
    }
}

extension LogEntry: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("position", position)
            // What is no JSON would make the whole list unreadable.
            let isDocument = (try? JSONScanner.members(of: body)) != nil
            o.raw("event", isDocument ? body : [])
            o.array("webhooks", of: matches) { json, match in
                json.object { o in
                    o.field("webhook_id", match.endpoint.text)
                    o.field("matched", match.reason == nil)
                    o.field("reason", match.reason?.rawValue)
                    o.field(
                        "delivery_id",
                        match.reason == nil
                            ? DeliveryID(event: id, endpoint: match.endpoint, at: createdAt).text : nil)
                }
            }
        }
    }
}
