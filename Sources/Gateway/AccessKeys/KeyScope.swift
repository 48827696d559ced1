/// What an access key may do; the raw value is what the API, the command line and the store call it.
package enum KeyScope: String, Sendable, CaseIterable, Comparable {
    case readMessages = "messages:read"
    case sendMessages = "messages:send"
    case manageMessages = "messages:manage"
    case manageContacts = "contacts:manage"
    case readEvents = "events:read"
    case readDeliveries = "deliveries:read"
    case manageWebhooks = "webhooks:manage"
    case managePhones = "phones:manage"

    package static func < (first: KeyScope, second: KeyScope) -> Bool { first.rawValue < second.rawValue }

    /// The scopes of which one is enough for a route, which is method and path as the router has them:
    /// `GET /v1/messages/{messageID}`. Empty for a route that takes the account's own key only, as one does that nobody
    /// listed, so that a new one is not open by mistake.
    static func allowing(_ route: String) -> Set<KeyScope> { routes[route] ?? Set() }

    /// What each scope is for, as the documentation shows it; a test holds `docs/security.md` against it.
    static let markdown =
        "| scope | opens |\n|---|---|\n"
        + allCases.map { scope in
            let names = routes.filter { $0.value.contains(scope) && $0.value != any }.keys.sorted {
                path(of: $0) < path(of: $1)
            }
            return "| `\(scope.rawValue)` | \(names.map { "`\($0)`" }.joined(separator: ", ")) |\n"
        }.joined()

    /// A route by its path first.
    private static func path(of route: String) -> String {
        route.split(separator: " ").reversed().joined(separator: " ")
    }

    /// Whatever the key may do: who it belongs to, and what the events are.
    private static let any = Set(allCases)
    private static let webhooks: Set<KeyScope> = [.manageWebhooks]
    private static let deliveries: Set<KeyScope> = [.readDeliveries, .manageWebhooks]
    private static let phones: Set<KeyScope> = [.managePhones]

    /// What shows keys of phones or the account is never part of reading; a signing key is shown to `webhooks:manage` only.
    static let routes: [String: Set<KeyScope>] = [
        "GET /v1/users/me": any,
        "GET /v1/event-types": any,
        "GET /v1/phones": any,
        "GET /v1/messages": [.readMessages, .manageMessages],
        "GET /v1/messages/search": [.readMessages, .manageMessages],
        "GET /v1/messages/{messageID}": [.readMessages, .manageMessages, .sendMessages],
        "GET /v1/message-threads": [.readMessages, .manageMessages],
        "GET /v1/bulk-messages": [.readMessages, .manageMessages, .sendMessages],
        "GET /v1/attention": [.readMessages, .manageMessages],
        "GET /v1/heartbeats": [.readMessages, .managePhones],
        "GET /v1/alerts": [.readMessages, .manageMessages, .readDeliveries, .manageWebhooks],
        "GET /v1/alerts/webhooks": webhooks,
        "POST /v1/alerts/webhooks": webhooks,
        "GET /v1/alerts/webhooks/{webhookID}": webhooks,
        "PUT /v1/alerts/webhooks/{webhookID}": webhooks,
        "DELETE /v1/alerts/webhooks/{webhookID}": webhooks,
        "POST /v1/alerts/webhooks/{webhookID}/test": webhooks,
        "GET /v1/callbacks": deliveries,
        "GET /v1/playground": webhooks,
        "POST /v1/playground": webhooks,
        "DELETE /v1/playground": webhooks,
        "POST /v1/messages/send": [.sendMessages],
        "POST /v1/messages/bulk-send": [.sendMessages],
        "POST /v1/bulk-messages": [.sendMessages],
        "PUT /v1/messages/{messageID}": [.manageMessages],
        "DELETE /v1/messages/{messageID}": [.manageMessages],
        "PUT /v1/message-threads/{messageThreadID}": [.manageMessages],
        "DELETE /v1/message-threads/{messageThreadID}": [.manageMessages],
        "GET /v1/contacts": [.manageContacts],
        "POST /v1/contacts": [.manageContacts],
        "PUT /v1/contacts/{contactID}": [.manageContacts],
        "DELETE /v1/contacts/{contactID}": [.manageContacts],
        "GET /v1/texts": [.sendMessages, .manageMessages],
        "POST /v1/texts": [.manageMessages],
        "GET /v1/texts/{textID}": [.sendMessages, .manageMessages],
        "PUT /v1/texts/{textID}": [.manageMessages],
        "DELETE /v1/texts/{textID}": [.manageMessages],
        "GET /v1/events": [.readEvents],
        "GET /v1/events/stream": [.readEvents],
        "GET /v1/events/{eventID}": [.readEvents],
        "GET /v1/webhooks/{webhookID}/deliveries": deliveries,
        "GET /v1/deliveries/{deliveryID}": deliveries,
        "GET /v1/replays/{replayID}": deliveries,
        "GET /v1/webhooks": deliveries,
        "POST /v1/webhooks": webhooks,
        "POST /v1/webhooks/preview": webhooks,
        "GET /v1/webhooks/{webhookID}": deliveries,
        "PUT /v1/webhooks/{webhookID}": webhooks,
        "DELETE /v1/webhooks/{webhookID}": webhooks,
        "POST /v1/webhooks/{webhookID}/test": webhooks,
        "POST /v1/webhooks/{webhookID}/pause": webhooks,
        "POST /v1/webhooks/{webhookID}/resume": webhooks,
        "POST /v1/webhooks/{webhookID}/rotate": webhooks,
        "POST /v1/webhooks/{webhookID}/rotate/finish": webhooks,
        "POST /v1/webhooks/{webhookID}/replay": webhooks,
        "POST /v1/deliveries/{deliveryID}/retry": webhooks,
        "PUT /v1/phones": phones,
        "DELETE /v1/phones/{phoneID}": phones,
        "GET /v1/devices": phones,
        "DELETE /v1/devices/{deviceID}": phones,
        "GET /v1/send-schedules": phones,
        "POST /v1/send-schedules": phones,
        "PUT /v1/send-schedules/{scheduleID}": phones,
        "DELETE /v1/send-schedules/{scheduleID}": phones,
    ]
}
