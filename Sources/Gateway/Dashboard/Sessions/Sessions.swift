import Delivery
import HTTPTypes
import Hummingbird
import Storage
import Timestamps

/// Begins, finds and ends sessions.
struct Sessions: Sendable {
    let store: any Store

    /// The session that a request's cookie stands for, nil when there is none, and the cookie anew when it is time for
    /// that.
    func session(of request: Request, isSecure: Bool) async throws -> (session: Session, renewal: HTTPField?)? {
        guard let token = Cookies.value(.session, request, isSecure: isSecure) else { return nil }
        let hash = SHA256Digest.bytes(token)
        let (session, isStale) = try await store.read { tx in
            let session = try SessionQueries.find(tokenHash: hash, in: tx)
            return (session, session.map { $0.lastSeenAt + Self.precision < tx.now } ?? false)
        }
        guard let session else { return nil }
        guard isStale else { return (session, nil) }
        try await store.write(.maintenance) { tx in try SessionQueries.touch(tokenHash: hash, in: tx) }
        return (session, Self.cookie(token, isSecure: isSecure))
    }

    /// A session that is new at each sign-in, to be stored in the transaction that lets somebody in.
    struct Fresh: Sendable {
        let token = RandomToken.make()
        let formToken = RandomToken.make()
        let visitor: Visitor

        /// Stores it.
        func insert(for userID: UserID, in tx: any Transaction) throws {
            try SessionQueries.insert(
                Session(
                    tokenHash: SHA256Digest.bytes(token), userID: userID, email: "", formToken: formToken,
                    createdAt: tx.now, lastSeenAt: tx.now, address: visitor.address, agent: visitor.agent,
                    isOwner: false),
                in: tx)
        }

        /// Sends the browser to `path` with the session's cookie.
        func response(to path: String, isSecure: Bool) -> Response {
            var response = Response.seeOther(path)
            response.headers.append(Sessions.cookie(token, isSecure: isSecure))
            return response
        }
    }

    private static func cookie(_ token: String, isSecure: Bool) -> HTTPField {
        Cookies.field(.session, token, isSecure: isSecure, lifetime: SessionQueries.lifetime)
    }

    /// Whether a session was not ended and has not run out.
    func isOpen(_ session: Session) async throws -> Bool {
        try await store.read { tx in try SessionQueries.find(tokenHash: session.tokenHash, in: tx) } != nil
    }

    /// Ends one session.
    func end(_ session: Session) async throws {
        try await store.write { tx in try SessionQueries.delete(tokenHash: session.tokenHash, in: tx) }
    }

    /// Ends every session of a user.
    func endAll(of userID: UserID) async throws {
        try await store.write { tx in try SessionQueries.deleteAll(of: userID, in: tx) }
    }

    /// A page is no reason to write more than once in this time.
    private static let precision: Duration = .seconds(3_600)
}
