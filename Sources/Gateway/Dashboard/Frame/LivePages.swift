import Delivery
import Hummingbird
import Storage
import Timestamps

/// `GET /live`: tells a page that something happened, with the session of the browser. The page then fetches itself anew and
/// takes what changed from there, so that each row is made in one place.
struct LivePages: SignedInPages {
    let stream: EventStream
    let sessions: Sessions

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/live") { request, context in
            let session = context.session
            return try stream.open(
                request, of: context.userID, after: nil, EventLog.Filter(), .notices,
                while: EventStream.Permit(interval: .seconds(30)) { try await sessions.isOpen(session) })
        }
    }
}
