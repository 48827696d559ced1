import Delivery
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Storage

/// Who makes a request.
package enum Identity: Sendable {
    /// The account's own key, or a bearer of it.
    case user(UserID)
    /// A phone's key, which may act for the numbers it is bound to.
    case phone(UserID, key: PhoneAPIKeyID, numbers: [String])
    /// An access key of the account, which may do what its scopes say.
    case key(UserID, AccessKey.Grant)

    var userID: UserID {
        switch self {
        case .user(let id), .key(let id, _): id
        case .phone(let id, _, _): id
        }
    }

    /// Whether it covers what `scope` does; keys of phones are asked for numbers instead.
    func covers(_ scope: KeyScope) -> Bool {
        switch self {
        case .user: true
        case .phone: false
        case .key(_, let grant): grant.scopes.contains(scope)
        }
    }

    /// Ends the request with 401 when a phone key acts for a number it is not bound to.
    ///
    /// What is remembered of a key may be older than a binding made through another node a moment ago, so a refusal is
    /// decided by the store: a phone must not be refused its first SMS.
    func authorize(_ owner: String, in store: any Store) async throws {
        if case .phone(_, _, let numbers) = self, !numbers.contains(owner) {
            try await store.read(.request) { tx in try authorize(owner, in: tx) }
        }
    }

    /// The same inside of a transaction.
    func authorize(_ owner: String, in tx: any Transaction) throws {
        guard case .phone(_, _, let remembered) = self, !remembered.contains(owner) else { return }
        let numbers = try numbers(in: tx) ?? []
        if !numbers.contains(owner) { throw Refusal.foreignNumber(owner, numbers: numbers) }
    }

    /// The same for what came in to `owner`, an SMS or a call, which a key may report whose number moved to another key,
    /// too: the phone forgets an SMS that is refused, and it may have been the one that really has the number.
    func authorizeReport(to owner: String, in store: any Store) async throws {
        guard case .phone(let userID, let key, let numbers) = self, !numbers.contains(owner) else { return }
        // Not in the account's lane, whose bound would refuse a report.
        try await store.read(.request) { tx in
            if try PhoneMoveQueries.hasLeft(key, number: owner, userID: userID, in: tx) { return }
            try authorize(owner, in: tx)
        }
    }

    /// The numbers that a phone key is bound to now; nil for a user, who may act for all of theirs.
    func numbers(in tx: any Transaction) throws -> [String]? {
        guard case .phone(_, let key, _) = self else { return nil }
        return try PhoneAPIKeyQueries.phones(of: key, in: tx).map(\.number)
    }
}

/// A request on its way in; ``AuthenticationMiddleware`` fills in who makes it.
package struct APIContext: RequestContext {
    /// What every context has.
    package var coreContext: CoreRequestContextStorage
    /// Nil when no key was sent or none that is known.
    var identity: Identity?
    /// What is asked of the path; filled in with the identity.
    var method: HTTPRequest.Method?
    /// Where large bodies are read; filled in by ``BodyMemoryMiddleware``.
    var uploads: UploadQueue?
    /// Where a large answer finds room; filled in by ``AnswerMemoryMiddleware``. A call of an agent has that of its request.
    var room: AnswerRoom?
    /// Whether the connection comes from this machine, a proxy on it included.
    let isLocal: Bool
    /// The connection.
    package let channel: any Channel
    /// Where it comes from: the other end of the connection, or what a trusted proxy says.
    package var origin: RequestOrigin

    /// Nothing is known yet but where the request comes from.
    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
        // A zone, as in "fe80::1%eth0", is not part of the address.
        let peer = source.channel.remoteAddress?.ipAddress.flatMap { IPAddress(String($0.prefix { $0 != "%" })) }
        isLocal = peer.map { peer in Self.loopback.contains { $0.contains(peer) } } ?? false
        origin = RequestOrigin(client: peer, baseURL: nil)
    }

    /// Method and path as the router has them: `GET /v1/messages/{messageID}`, for HEAD as well.
    var route: String { "\(method == .head ? .get : method ?? .get) \(endpointPath ?? "")" }

    /// The client's address, for the log.
    var client: String { origin.client.map { "\($0)" } ?? "unknown" }

    private static let loopback = [
        Network(base: IPAddress(v4: 0x7F00_0000), prefixLength: 8), Network(base: IPAddress(v6: 1), prefixLength: 128),
    ]
}

/// A request by a user, or by an access key with a scope for the route: phone keys are answered 401.
struct UserContext: ChildRequestContext, IdempotentContext {
    var coreContext: CoreRequestContextStorage
    let userID: UserID
    /// The connection.
    let channel: any Channel
    let uploads: UploadQueue?
    let room: AnswerRoom?
    var idempotencyKey: IdempotencyKey?
    let origin: RequestOrigin

    let identity: Identity

    /// For files that come with the request.
    var uploader: UploadQueue.Client { UploadQueue.Client(userID: userID, channel: channel) }

    init(context: APIContext) throws {
        switch context.identity {
        case .user(let id): userID = id
        case .key(let id, let grant):
            let scopes = KeyScope.allowing(context.route)
            guard !scopes.isDisjoint(with: grant.scopes) else { throw Refusal.outOfScope(scopes) }
            userID = id
        case .phone, nil: throw Refusal.unauthenticated
        }
        identity = context.identity ?? .user(userID)
        coreContext = context.coreContext
        channel = context.channel
        uploads = context.uploads
        room = context.room
        origin = context.origin
    }
}

/// A request by a user or by one of their phones: the six phone routes.
struct PhoneContext: ChildRequestContext, IdempotentContext {
    var coreContext: CoreRequestContextStorage
    let identity: Identity
    let uploads: UploadQueue?
    var idempotencyKey: IdempotencyKey?
    let origin: RequestOrigin

    init(context: APIContext) throws {
        guard let identity = context.identity else { throw Refusal.unauthenticated }
        // What a phone reports is no program's to say.
        if case .key = identity { throw Refusal.outOfScope(Set()) }
        coreContext = context.coreContext
        self.identity = identity
        uploads = context.uploads
        origin = context.origin
    }

    var userID: UserID { identity.userID }
}
