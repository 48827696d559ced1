import Gateway
import Hummingbird
import Storage
import Timestamps

/// `GET /live`: tells a page that something happened, with the session of the browser and for as long as that is open. The
/// page then fetches itself again and takes what changed from there, so that each row is made in one place.
struct LivePages: SignedInPages {
    let stream: EventStream
    let sessions: Sessions

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/live") { request, context in
            let session = context.session
            return try stream.open(request, by: session.person) { try await sessions.isOpen(session) }
        }
    }
}
