import Delivery
import HTTPTypes
import Hummingbird
import Secrets
import Storage
import Timestamps

/// Begins, finds and ends sessions.
package struct Sessions: Sendable {
    let store: any Store

    /// The sessions in `store`.
    package init(store: any Store) { self.store = store }

    /// The session that one of a request's cookies stands for, nil when there is none, and the cookie again when it is
    /// time for that.
    package func session(of request: Request, isSecure: Bool) async throws -> (session: Session, renewal: HTTPField?)? {
        let tokens = Cookies.values(.session, request, isSecure: isSecure)
        if tokens.isEmpty { return nil }
        let found = try await store.read { tx -> (session: Session, token: String, now: Timestamp)? in
            for token in tokens {
                if let session = try SessionQueries.find(tokenHash: SHA256Digest.bytes(token), in: tx) {
                    return (session, token, tx.now)
                }
            }
            return nil
        }
        guard let (session, token, now) = found else { return nil }
        guard session.lastSeenAt + Self.precision < now else { return (session, nil) }
        try await store.write(.user(session.userID)) { tx in
            try SessionQueries.touch(tokenHash: session.tokenHash, in: tx)
        }
        let rest = max(.zero, session.createdAt + SessionQueries.longest - now)
        let lifetime = min(SessionQueries.lifetime, rest)
        return (session, Cookies.field(.session, token, isSecure: isSecure, lifetime: lifetime))
    }

    /// A session that is new at each sign-in, to be stored in the transaction that lets somebody in.
    package struct Fresh: Sendable {
        let token = RandomToken.make()
        let formToken = RandomToken.make()
        let deviceToken = RandomToken.make()
        let visitor: Visitor

        /// Stores it, and that the browser is one that signed in.
        func insert(for person: Person, in tx: any Transaction) throws {
            try KnownBrowserQueries.insert(
                tokenHash: SHA256Digest.bytes(deviceToken), for: person.id,
                inPlaceOf: visitor.devices.map { SHA256Digest.bytes($0) }, in: tx)
            try SessionQueries.insert(
                tokenHash: SHA256Digest.bytes(token), formToken: formToken, of: person.id, visitor, in: tx)
            try AuditLog.add(
                .signedIn, by: AuditEntry.Actor(person, agent: visitor.agent), from: visitor.address,
                userID: person.account, in: tx)
        }

        /// Sends the browser to `path` with the session's cookie and the device's.
        package func response(to path: String, isSecure: Bool) -> Response {
            var response = Response.seeOther(path)
            response.headers.append(
                Cookies.field(.session, token, isSecure: isSecure, lifetime: SessionQueries.lifetime))
            response.headers.append(
                Cookies.field(.device, deviceToken, isSecure: isSecure, lifetime: KnownBrowserQueries.lifetime))
            return response
        }
    }

    /// Whether a session was not ended and has not run out.
    package func isOpen(_ session: Session) async throws -> Bool {
        try await store.read { tx in try SessionQueries.find(tokenHash: session.tokenHash, in: tx) } != nil
    }

    /// Ends one session.
    package func end(_ session: Session) async throws {
        try await store.write(.user(session.userID)) { tx in
            try SessionQueries.delete(tokenHash: session.tokenHash, in: tx)
        }
    }

    /// Ends every session of somebody; no browser counts any more as one that they signed in with.
    package func endAll(of person: Person) async throws {
        try await store.write(.user(person.account)) { tx in
            try AccessQueries.signOut(person.id, in: tx)
        }
    }

    /// A page is no reason to write more than once in this time.
    private static let precision: Duration = .seconds(3_600)
}
