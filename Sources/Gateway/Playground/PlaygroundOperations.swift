import Delivery
import HTTPSMSWebhooks
import Secrets
import Storage
import Timestamps
import Wire

/// What can be done with playgrounds.
package struct PlaygroundOperations: Sendable {
    let store: any Store
    let endpoints: EndpointQueries
    let receiver: OwnReceiver
    let clock: any WallClock

    /// The playground of an account, which is made if there is none.
    package func open(userID: UserID) async throws -> PlaygroundView {
        let fresh = Playground(userID: userID, token: RandomToken.make(), createdAt: clock.now())
        return try await store.write(for: userID) { [receiver] tx in
            try PlaygroundQueries.insert(fresh, in: tx)
            let playground = try PlaygroundQueries.find(userID: userID, in: tx) ?? fresh
            return try Self.view(of: playground, after: 0, receiver, in: tx)
        }
    }

    /// The playground of an account and what arrived after the request `number`; nil when there is none.
    package func find(userID: UserID, after number: Int64) async throws -> PlaygroundView? {
        try await store.read(.user(userID)) { [receiver] tx in
            guard let playground = try PlaygroundQueries.find(userID: userID, in: tx) else { return nil }
            return try Self.view(of: playground, after: number, receiver, in: tx)
        }
    }

    /// Deletes it; false when there is none.
    package func close(userID: UserID) async throws -> Bool {
        try await store.write(.user(userID)) { tx in try PlaygroundQueries.delete(userID: userID, in: tx) }
    }

    /// The playground whose token this is; nil when nobody has it.
    func find(token: String) async throws -> Playground? {
        guard RandomToken.isToken(token) else { return nil }
        return try await store.read { tx in try PlaygroundQueries.find(token: token, in: tx) }
    }

    /// Judges a request and keeps it.
    ///
    /// - Parameters:
    ///   - method: Its method.
    ///   - headers: Its headers in the order they came.
    ///   - body: Its whole body.
    ///   - event: What was read of the body.
    ///   - playground: Where it arrived; nothing is kept when that was deleted meanwhile.
    /// - Throws: What the store does.
    func receive(
        _ method: String, _ headers: [(name: String, value: String)], _ body: [UInt8],
        _ event: Result<CloudEvent, any Error>, at playground: Playground
    ) async throws {
        let url = receiver.url(token: playground.token)
        let now = clock.now()
        let keys = try await store.read(.user(playground.userID)) { [endpoints] tx in
            try playground.userID.scopes.flatMap { owner in
                try endpoints.list(userID: owner, containing: "", skip: 0, limit: 100, in: tx)
                    .filter { $0.url == url || $0.plan.fallback?.url == url }
                    .flatMap { $0.validSigningKeys(at: now) }
            }
        }
        let verdict = await PlaygroundVerdict(of: body, event: event, keys: keys, url: url, now: now) { name in
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }
        let request = PlaygroundRequest(
            receivedAt: now, method: method, headers: Self.shown(headers),
            body: Array(body.prefix(PlaygroundRequest.keptBytes)), size: body.count, verdict: verdict)
        try await store.write(.user(playground.userID)) { tx in
            try PlaygroundQueries.record(request, token: playground.token, in: tx)
        }
    }

    private static func view(
        of playground: Playground, after number: Int64, _ receiver: OwnReceiver, in tx: any Transaction
    ) throws -> PlaygroundView {
        PlaygroundView(
            url: receiver.url(token: playground.token), createdAt: playground.createdAt,
            requests: try PlaygroundQueries.requests(of: playground.userID, after: number, in: tx))
    }

    /// A webhook's own headers are stored sealed, so they are not kept here in clear; nor is a token that is still good.
    private static func shown(_ headers: [(name: String, value: String)]) -> [(name: String, value: String)] {
        headers.prefix(PlaygroundRequest.keptHeaders).map { name, value in
            // Those that an owner may choose may be secrets, and so may those of proxies on the way.
            let isOurs = EndpointHeaders.isReserved(name) && name.lowercased() != "proxy-authorization"
            return (name, isOurs ? value.firstScalars(1_000).storable : "[redacted]")
        }
    }
}
