import Delivery
import Gateway
import Hummingbird
import NIOCore
import Storage
import Timestamps

/// A request for a page. Who makes it is known from the session cookie alone: keys of the API mean nothing here, and the
/// API never reads the cookie.
struct PageContext: ChildRequestContext {
    var coreContext: CoreRequestContextStorage
    let origin: RequestOrigin
    /// The connection.
    let channel: any Channel
    /// Nil when nobody is signed in. Filled in by ``PageMiddleware``, as what follows.
    var session: Session?
    /// What forms of this page carry, so that no other site can send them.
    var formToken = ""
    /// Whether the browser reached us over TLS.
    var isSecure = false
    /// Where the page is.
    var path = ""
    /// The colours that the browser's user chose.
    var theme = Theme.system
    /// How times are shown; in UTC while nobody is signed in.
    var times = PageTimes(zone: "UTC", now: Timestamp(seconds: 0))
    /// What the form before did; nil when there was none.
    var notice: PageNotice?
    /// What the menu counts.
    var menu = MenuFigures()
    /// The fields that were sent; empty for a GET.
    var form = PageForm()

    init(context: APIContext) {
        coreContext = context.coreContext
        origin = context.origin
        channel = context.channel
    }

    /// Whether the page is the one at `root`, or below it.
    func isWithin(_ root: String) -> Bool { path == root || root != "/" && path.hasPrefix("\(root)/") }

    /// The client's address, for the log.
    var client: String { origin.client.map { "\($0)" } ?? "unknown" }

    /// Who counts as one client for limits; see `IPAddress.clientNetwork`.
    var clientNetwork: String { origin.clientNetwork }
}

/// A request for a page by somebody who is signed in; anybody else is sent to the sign-in page.
struct SignedInContext: ChildRequestContext {
    var coreContext: CoreRequestContextStorage
    let session: Session
    let page: PageContext

    init(context: PageContext) throws {
        guard let session = context.session else { throw SignInRequired() }
        coreContext = context.coreContext
        self.session = session
        page = context
    }

    var userID: UserID { session.userID }

    /// To everybody but the owner of the server, a page that asks this is not there.
    ///
    /// - Throws: `PageError` 404.
    func requireOwner() throws(PageError) {
        guard session.isOwner else { throw .notFound }
    }

    var form: PageForm { page.form }

    /// For files that come with the form.
    var uploader: UploadQueue.Client { UploadQueue.Client(userID: userID, channel: page.channel) }
}

extension SignedInContext {
    /// The id in the path of a page.
    ///
    /// - Parameters:
    ///   - name: What the route calls it.
    ///   - type: What it is the id of.
    /// - Returns: The id.
    /// - Throws: `PageError` 404 when it is not a UUID.
    func id<Entity>(_ name: String, of type: ID<Entity>.Type) throws(PageError) -> ID<Entity> {
        guard let id = type.init(parameters.get(name) ?? "") else { throw .notFound }
        return id
    }
}

/// Nobody is signed in, where somebody has to be.
struct SignInRequired: Error {}

extension Visitor {
    init(_ request: Request, _ context: PageContext) {
        self.init(
            network: context.clientNetwork, address: context.client, agent: request.headers[.userAgent] ?? "",
            devices: Cookies.values(.device, request, isSecure: context.isSecure))
    }
}
