import Delivery
import Foundation
import Gateway
import HTTPSMSWebhooks
import Hummingbird
import Storage
import Wire

/// The log of events, with why each webhook did or did not get one.
struct EventPages: SignedInPages {
    let store: any Store
    let endpoints: EndpointQueries
    let views: PageViews

    private struct Content {
        let types: [Choice]
        /// Not `owner`: an event that names no phone would find it.
        let chosenOwner: String
        let events: [Line]
        /// Set on the first page only: nothing new comes to the others.
        let isLive: Bool
        let nextPage: String?

        struct Line {
            let id: String
            let type: String
            let createdAt: String
            /// Whom it is about; nil where the event names nobody.
            let contact: String?
            /// Our phone; nil where the event names none.
            let owner: String?
            let body: String
            let matches: [Match]
        }

        struct Match {
            let url: String
            let verdict: String
            /// Where its delivery is; nil when it did not match.
            let path: String?
        }
    }

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/events", use: list)
    }

    private func list(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let userID = context.userID
        let parameters = QueryParameters(request)
        var filter = EventLog.Filter()
        let type = parameters["type"].flatMap(EventType.init(rawValue:))?.rawValue
        if let type { filter.types = [type] }
        let owner = (parameters["owner"] ?? "").trimmed
        if !owner.isEmpty { filter.owner = PhoneNumber.address(owner) }
        let before = parameters["before"].flatMap { Int64($0) }
        let (found, urls) = try await store.read(.user(userID)) { [endpoints, filter] tx in
            let reports = try endpoints.reports(userID: userID, containing: "", skip: 0, limit: 100, in: tx)
            let urls = Dictionary(reports.map { ($0.endpoint.id, $0.endpoint.url) }, uniquingKeysWith: { $1 })
            let found = try EventLog.page(
                userID: userID, after: nil, before: before, filter, limit: Self.pageSize, in: tx)
            let others = found.events.flatMap(\.matches).map(\.endpoint).filter { urls[$0] == nil }
            let callbacks = try CallbackQueries.urls(of: others, userID: userID, in: tx)
            return (found, urls.merging(callbacks) { $1 })
        }
        return views.page(
            .events, "Events",
            Content(
                types: Choice.all(EventType.allCases.map(\.rawValue), chosen: type), chosenOwner: owner,
                events: found.events.map { Self.line($0, urls) },
                isLive: before == nil,
                nextPage: found.next.map {
                    "?type=\(type ?? "")&owner=\(filter.owner?.replacing("+", with: "%2B") ?? "")&before=\($0)"
                }), context)
    }

    private static func line(_ event: LogEntry, _ urls: [EndpointID: String]) -> Content.Line {
        let parties = Parties(of: event.body)
        return Content.Line(
            id: event.id.text, type: event.type, createdAt: PageTime.shown(event.createdAt),
            contact: parties.contact.map(PageParty.full), owner: parties.owner.map(PageParty.number),
            body: shown(event.body),
            matches: event.matches.map { match in
                Content.Match(
                    url: urls[match.endpoint] ?? "a webhook that was deleted", verdict: verdict(match.reason),
                    path: match.reason == nil
                        ? "/deliveries/\(DeliveryID(event: event.id, endpoint: match.endpoint, at: event.createdAt))"
                        : nil)
            })
    }

    /// Whom an event is about.
    private struct Parties: Decodable {
        let contact: String?
        let owner: String?

        /// Reads the `data` of an event; of a body that is not read, nobody.
        init(of body: [UInt8]) {
            struct Event: Decodable {
                let data: Parties?
            }
            // Text that was stored long ago: a page shows what can be read of it.
            self = (try? JSONDecoder().decode(Event.self, from: Data(body)))?.data ?? Parties(contact: nil, owner: nil)
        }

        private init(contact: String?, owner: String?) { (self.contact, self.owner) = (contact, owner) }
    }

    /// The body, without most of it where it is long: the page of a delivery has all of it.
    private static func shown(_ body: [UInt8]) -> String {
        let text = String(decoding: body.prefix(ShownText.longest), as: UTF8.self)
        return body.count > ShownText.longest ? "\(text)… (\(body.count) bytes)" : text
    }

    private static func verdict(_ reason: EventMatch.Reason?) -> String {
        reason.map { "did not get it: \($0.words)" } ?? "was sent this event"
    }

    private static let pageSize = 50
}
