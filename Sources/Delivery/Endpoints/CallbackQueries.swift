import Secrets
import Storage
import Timestamps

/// Endpoints that messages name for themselves, by a callback URL: they get the events of these messages, and nothing else.
///
/// They are rows of `endpoint` that belong to no account but to ``Storage/UserID/callbacks`` of one. So whatever asks for the
/// webhooks of an account does not find them, and an event without a callback costs what it did before there were any. Messages
/// of an account that name the same URL share one. One that no message named and no event went to for three days is deleted,
/// unless something waits for it.
package struct CallbackQueries: Sendable {
    private let endpoints: EndpointQueries

    /// Seals keys as `endpoints` does.
    package init(endpoints: EndpointQueries) {
        self.endpoints = endpoints
    }

    /// How many an account has at most at a time: each may have requests under way and lookups of its own.
    package static let maximum = 1_000

    /// The endpoint of `url`, and whether it is sent to; nil when there is none. Index: `endpoint_callback`.
    package static func find(
        _ url: CallbackURL, userID: UserID, in tx: any Transaction
    ) throws -> (id: EndpointID, isActive: Bool)? {
        try tx.rows("SELECT id, status FROM endpoint WHERE callback_digest = \(digest(url, userID))").first.map {
            (try $0.get("id"), try $0.get("status", as: EndpointStatus.self) == .active)
        }
    }

    /// The URLs of those of `ids` that are callbacks of `userID`.
    package static func urls(
        of ids: [EndpointID], userID: UserID, in tx: any Transaction
    ) throws -> [EndpointID: String] {
        if ids.isEmpty { return [:] }
        return try tx.rows(
            "SELECT id, url FROM endpoint WHERE id IN \(list: ids) AND user_id = \(userID.callbacks)"
        ).reduce(into: [:]) { $0[try $1.get("id")] = try $1.get("url", as: String.self) }
    }

    /// How many `userID` has. Index: `endpoint_user`.
    package func count(userID: UserID, in tx: any Transaction) throws -> Int {
        try endpoints.count(userID: userID.callbacks, in: tx)
    }

    /// Those of `userID` with what became of their deliveries, newest first, whose URL contains `text`.
    package func reports(
        userID: UserID, containing text: String, skip: Int, limit: Int, in tx: any Transaction
    ) throws -> [EndpointReport] {
        try endpoints.reports(userID: userID.callbacks, containing: text, skip: skip, limit: limit, in: tx)
    }

    /// Stores a new one. It gets the extended events, as the receiver of one message's status has to know which message it is.
    package func insert(
        _ id: EndpointID, _ url: CallbackURL, userID: UserID, signingKey: Secret<String>, isPublicOnly: Bool,
        in tx: any Transaction
    ) throws {
        var endpoint = Endpoint(
            id: id, userID: userID.callbacks, url: url.text, signingKey: signingKey, eventTypes: [], owners: [],
            isPublicOnly: isPublicOnly, createdAt: tx.now, updatedAt: tx.now)
        endpoint.payloadFormat = .preset(.cloudEventsExtended)
        try endpoints.insert(endpoint, in: tx)
        try tx.run(
            """
            UPDATE endpoint
            SET callback_digest = \(Self.digest(url, userID)), used_at = \(tx.now)
            WHERE id = \(id)
            """)
    }

    /// Has one that was disabled tried again, with the present key: another message names it.
    package func revive(_ id: EndpointID, userID: UserID, signingKey: Secret<String>, in tx: any Transaction) throws {
        guard var endpoint = try endpoints.find(id, userID: userID.callbacks, in: tx), endpoint.status != .active else {
            return
        }
        endpoint.status = .active
        endpoint.statusReason = nil
        endpoint.signingKey = signingKey
        endpoint.unreadableKey = nil
        endpoint.release = Release(rate: nil, through: try endpoints.sequenceHead(of: id, in: tx))
        endpoint.updatedAt = tx.now
        try endpoints.update(endpoint, in: tx)
    }

    /// Notes that a message uses it until `time` at least; false when it is gone, and nothing can be sent there any more.
    ///
    /// Its row is only written when the note is an hour old.
    @discardableResult
    package static func keep(
        _ id: EndpointID, until time: Timestamp = .first, in tx: any Transaction
    ) throws -> Bool {
        let row = try tx.rows(
            """
            SELECT used_at
            FROM endpoint
            WHERE id = \(id) AND status <> \(literal: EndpointStatus.deleted.rawValue)
            """
        ).first
        guard let row, let noted: Timestamp = try row.find("used_at") else { return false }
        let time = max(time, tx.now)
        if time - noted < precision { return true }
        return try tx.run(
            """
            UPDATE endpoint
            SET used_at = \(time)
            WHERE id = \(id) AND status <> \(literal: EndpointStatus.deleted.rawValue)
            """) == 1
    }

    /// Signs everything that is sent from now on with `key`.
    package func sign(with key: Secret<String>, userID: UserID, in tx: any Transaction) throws {
        let ids = try endpoints.ids(userID: userID.callbacks, in: tx)
        try tx.runBatch(
            ids.map { id in
                let sealed = try endpoints.keyring.seal(
                    key.exposed, at: EndpointQueries.keyPlace(id, userID.callbacks))
                return "UPDATE endpoint SET signing_key = \(sealed), version = version + 1 WHERE id = \(id)"
            })
        if !ids.isEmpty { tx.wake(.deliveries) }
    }

    /// One transaction of the upkeep: deletes at most 100 that nobody used for three days; true when there may be more. What
    /// waits or is held keeps its endpoint. Index: `endpoint_used`.
    package func prune(in tx: any Transaction) throws -> Bool {
        let idle: [EndpointID] = try tx.rows(
            """
            SELECT id
            FROM endpoint
            WHERE used_at < \(tx.now - Self.idleTime)
            ORDER BY used_at, id
            LIMIT \(Self.batch)
            \(.forUpdateSkipLocked)
            """
        ).map { try $0.get("id") }
        for id in idle {
            if try endpoints.openCount(of: id, in: tx) == 0 {
                try endpoints.delete(id, in: tx)
            } else {
                try tx.run("UPDATE endpoint SET used_at = \(tx.now) WHERE id = \(id)")
            }
        }
        return idle.count == Self.batch
    }

    private static func digest(_ url: CallbackURL, _ userID: UserID) -> [UInt8] {
        SHA256Digest.bytes("\(userID) \(url.text)")
    }

    private static let precision: Duration = .seconds(3_600)
    /// A phone that was off over a weekend still has its report sent on.
    package static let idleTime: Duration = .seconds(3 * 86_400)
    private static let batch = 100
}
