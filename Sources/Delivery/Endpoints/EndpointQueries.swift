import HTTPSMSWebhooks
import Secrets
import Storage
import Timestamps

/// Reads and writes endpoints. Signing keys are encrypted on the way in and out.
package struct EndpointQueries: Sendable {
    /// Opens and seals signing keys.
    package let keyring: Keyring

    /// Makes queries that open keys with `keyring`.
    package init(keyring: Keyring) {
        self.keyring = keyring
    }

    /// The endpoints of `userID`, newest first, whose URL contains `text`. Index: `endpoint_user`.
    package func list(
        userID: UserID, containing text: String, skip: Int, limit: Int, in tx: any Transaction
    ) throws -> [Endpoint] {
        try tx.all(
            """
            SELECT *
            FROM endpoint
            WHERE user_id = \(userID) AND status <> \(literal: EndpointStatus.deleted.rawValue)
                AND (\(text) = '' OR \(SQL.contains(anyCase: "url", text)))
            ORDER BY created_at DESC, id DESC
            LIMIT \(limit) OFFSET \(skip)
            """, endpoint(row:))
    }

    /// The ids of all of `userID`'s endpoints, also of those that cannot be read; they are few. Index: `endpoint_user`.
    package func ids(userID: UserID, in tx: any Transaction) throws -> [EndpointID] {
        try tx.rows(
            """
            SELECT id
            FROM endpoint
            WHERE user_id = \(userID) AND status <> \(literal: EndpointStatus.deleted.rawValue)
            ORDER BY id
            """
        ).map { try $0.get("id") }
    }

    /// The endpoint `id` of `userID`, locked; nil when there is none.
    package func find(_ id: EndpointID, userID: UserID, in tx: any Transaction) throws -> Endpoint? {
        try tx.rows(
            """
            SELECT *
            FROM endpoint
            WHERE id = \(id) AND user_id = \(userID) AND status <> \(literal: EndpointStatus.deleted.rawValue)
            \(.forUpdate)
            """
        ).first.map(endpoint(row:))
    }

    /// The endpoint `id` of `userID`, be it a webhook, what messages name for themselves, or for alerts; nil when there is none.
    package func find(_ id: EndpointID, anywhereOf userID: UserID, in tx: any Transaction) throws -> Endpoint? {
        for owner in userID.scopes {
            if let endpoint = try find(id, userID: owner, in: tx) { return endpoint }
        }
        return nil
    }

    /// How many endpoints `userID` has. Index: `endpoint_user`.
    package func count(userID: UserID, in tx: any Transaction) throws -> Int {
        try tx.value(
            """
            SELECT COUNT(*) AS value
            FROM endpoint
            WHERE user_id = \(userID) AND status <> \(literal: EndpointStatus.deleted.rawValue)
            """) ?? 0
    }

    /// Stores a new endpoint.
    package func insert(_ endpoint: Endpoint, in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO endpoint (
                id, user_id, url, signing_key, ordering, event_types, owners, status, status_reason, version,
                public_only, headers, payload_format, template_method, template_content_type, template_body,
                rate_limit, flight_limit, time_limit, retry_delays, fallback_url, fallback_after, filter, authorities,
                client_certificate, client_key, created_at, updated_at)
            VALUES (
                \(endpoint.id), \(endpoint.userID), \(endpoint.url), \(try sealed(endpoint.signingKey, of: endpoint)),
                \(endpoint.ordering), \(Self.joined(endpoint.eventTypes.map(\.rawValue))),
                \(Self.joined(endpoint.owners)), \(endpoint.status), \(endpoint.statusReason), \(endpoint.version),
                \(endpoint.isPublicOnly), \(try sealedHeaders(of: endpoint)), \(endpoint.payloadFormat.stored),
                \(endpoint.payloadFormat.template?.method.rawValue), \(endpoint.payloadFormat.template?.contentType), \(endpoint.payloadFormat.template?.body),
                \(endpoint.plan.rate), \(endpoint.plan.maxInFlight), \(endpoint.plan.timeout), \(endpoint.plan.storedDelays),
                \(endpoint.plan.fallback?.url), \(endpoint.plan.fallback?.after),
                \(try endpoint.filter.stored), \(endpoint.trust.authorities), \(endpoint.trust.certificate),
                \(try sealedClientKey(of: endpoint)), \(endpoint.createdAt), \(endpoint.updatedAt))
            """)
        try tx.run(
            """
            INSERT INTO tally (endpoint_id, user_id, accepted, succeeded, failed, cancelled, pruned, front_at)
            VALUES (\(endpoint.id), \(endpoint.userID), 0, 0, 0, 0, 0, \(tx.now))
            """)
        try tx.run("INSERT INTO endpoint_health (endpoint_id, failure_count) VALUES (\(endpoint.id), 0)")
    }

    /// Stores a changed endpoint under its next version; the dispatcher is told. Its failures are forgotten when attempts may end
    /// otherwise now: see ``Endpoint/isTriedAs(_:)``.
    package func update(_ endpoint: Endpoint, in tx: any Transaction) throws {
        let stored = try find(endpoint.id, userID: endpoint.userID, in: tx)
        let previous = endpoint.previousSigningKey
        try tx.run(
            """
            UPDATE endpoint
            SET url = \(endpoint.url),
                signing_key = \(try sealed(endpoint.signingKey, of: endpoint) ?? endpoint.unreadableKey),
                previous_signing_key = \(try sealed(previous?.key, of: endpoint)),
                previous_signing_key_expires_at = \(previous?.expiresAt), ordering = \(endpoint.ordering),
                release_rate = \(endpoint.release?.rate), release_through = \(endpoint.release?.through),
                release_next_at = NULL, public_only = \(endpoint.isPublicOnly),
                headers = \(try sealedHeaders(of: endpoint) ?? endpoint.unreadableHeaders),
                payload_format = \(endpoint.payloadFormat.stored),
                template_method = \(endpoint.payloadFormat.template?.method.rawValue),
                template_content_type = \(endpoint.payloadFormat.template?.contentType),
                template_body = \(endpoint.payloadFormat.template?.body),
                rate_limit = \(endpoint.plan.rate), rate_next_at = NULL, flight_limit = \(endpoint.plan.maxInFlight),
                time_limit = \(endpoint.plan.timeout), retry_delays = \(endpoint.plan.storedDelays),
                fallback_url = \(endpoint.plan.fallback?.url), fallback_after = \(endpoint.plan.fallback?.after),
                url_out_since = \(endpoint.plan.fallback == nil ? "NULL" : kept("url_out_since", endpoint)),
                url_tried_at = NULL,
                filter = \(try endpoint.filter.stored), authorities = \(endpoint.trust.authorities),
                client_certificate = \(endpoint.trust.certificate),
                client_key = \(try sealedClientKey(of: endpoint) ?? endpoint.unreadableClientKey),
                hold_until = \(kept("hold_until", endpoint)), pace_interval = \(kept("pace_interval", endpoint)),
                refused_at = \(kept("refused_at", endpoint)), refusals = \(kept("refusals", endpoint)),
                event_types = \(Self.joined(endpoint.eventTypes.map(\.rawValue))),
                owners = \(Self.joined(endpoint.owners)), status = \(endpoint.status),
                status_reason = \(endpoint.statusReason), version = version + 1, updated_at = \(endpoint.updatedAt)
            WHERE id = \(endpoint.id)
            """)
        if stored?.isTriedAs(endpoint) != true { try forgiveFailures(of: endpoint.id, in: tx) }
        tx.wake(.deliveries, key: endpoint.id.text)
    }

    /// What the receiver asked for holds as long as it is the same, and its owner does not want it to go on now.
    private func kept(_ column: SQL, _ endpoint: Endpoint) -> SQL {
        "CASE WHEN url = \(endpoint.url) AND status = \(endpoint.status) THEN \(column) END"
    }

    /// Takes an endpoint away: nothing more is sent, and the dispatcher cancels what waits for it.
    package func delete(_ id: EndpointID, in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE endpoint
            SET status = \(literal: EndpointStatus.deleted.rawValue), version = version + 1, signing_key = NULL,
                previous_signing_key = NULL, headers = NULL, client_key = NULL, callback_digest = NULL, used_at = NULL
            WHERE id = \(id)
            """)
        tx.wake(.deliveries, key: id.text)
    }

    /// Takes the phone number `owner` out of every endpoint of `userID`; one left without numbers is paused.
    package func removeOwner(_ owner: String, userID: UserID, in tx: any Transaction) throws {
        for var endpoint in try list(userID: userID, containing: "", skip: 0, limit: 1_000, in: tx)
        where endpoint.owners.contains(owner) {
            endpoint.owners.removeAll { $0 == owner }
            if endpoint.owners.isEmpty {
                endpoint.status = .paused
                endpoint.statusReason = Self.noOwnersLeft
            }
            endpoint.updatedAt = tx.now
            try update(endpoint, in: tx)
        }
    }

    /// Why an endpoint is disabled whose signing key does not open.
    package static let unreadableKey = "signing_key_unreadable: the stored key does not open, save a new one"

    /// Why an endpoint is disabled whose headers do not open.
    package static let unreadableHeaders = "headers_unreadable: the stored headers do not open, save them again"

    /// Why an endpoint is disabled whose client's key does not open.
    package static let unreadableClientKey = "client_key_unreadable: the stored key does not open, save it again"

    /// Why an endpoint is paused whose last phone number was deleted.
    package static let noOwnersLeft = "none of its phone numbers is left in the account"

    /// Reads a row of `endpoint`; a key that does not open is ``Endpoint/unreadableKey``.
    func endpoint(row: Row) throws -> Endpoint {
        let id: EndpointID = try row.get("id")
        let userID: UserID = try row.get("user_id")
        let place = Self.keyPlace(id, userID)
        let key: [UInt8]? = try row.find("signing_key")
        let previous: [UInt8]? = try row.find("previous_signing_key")
        let through: Int64? = try row.find("release_through")
        // A key that does not open is an answer: the endpoint can be shown and repaired, but not be sent to.
        let opened = key.flatMap { try? keyring.open($0, at: place) }
        let openedPrevious = previous.flatMap { try? keyring.open($0, at: place) }
        var endpoint = Endpoint(
            id: id, userID: userID, url: try row.get("url"), signingKey: opened.map(Secret.init),
            eventTypes: try SpacedList.words(row.get("event_types")).compactMap(EventType.init(rawValue:)),
            owners: try SpacedList.words(row.get("owners")), status: try row.get("status"),
            statusReason: try row.find("status_reason"), version: try row.get("version"),
            ordering: try row.get("ordering"), isPublicOnly: try row.get("public_only"),
            previousSigningKey: try openedPrevious.map {
                RetiringKey(key: Secret($0), expiresAt: try row.get("previous_signing_key_expires_at"))
            },
            release: try through.map { Release(rate: try row.find("release_rate"), through: $0) },
            createdAt: try row.get("created_at"), updatedAt: try row.get("updated_at"))
        if opened == nil { endpoint.unreadableKey = key }
        endpoint.payloadFormat = try PayloadFormat(row: row)
        if let sealed: [UInt8] = try row.find("headers") {
            // As with the key.
            let text = try? keyring.open(sealed, at: Self.headersPlace(id, userID))
            if let headers = text.flatMap(EndpointHeaders.init(encoded:)) {
                endpoint.headers = headers
            } else {
                endpoint.unreadableHeaders = sealed
            }
        }
        endpoint.trust.authorities = try row.find("authorities")
        endpoint.trust.certificate = try row.find("client_certificate")
        if let sealed: [UInt8] = try row.find("client_key") {
            // As with the key.
            endpoint.trust.key = (try? keyring.open(sealed, at: Self.clientKeyPlace(id, userID))).map(Secret.init)
            if endpoint.trust.key == nil { endpoint.unreadableClientKey = sealed }
        }
        endpoint.filter = try EventFilter(row: row) ?? EventFilter()
        endpoint.plan = try EndpointPlan(row: row)
        endpoint.pace = try Pace(row: row)
        if endpoint.plan.fallback != nil { endpoint.outage = try Outage(row: row) }
        return endpoint
    }

    private func sealed(_ key: Secret<String>?, of endpoint: Endpoint) throws -> [UInt8]? {
        try key.map { try keyring.seal($0.exposed, at: Self.keyPlace(endpoint.id, endpoint.userID)) }
    }

    /// Where both signing keys of an endpoint are sealed.
    package static func keyPlace(_ id: EndpointID, _ userID: UserID) -> Keyring.Place {
        Keyring.Place("endpoint", "signing_key", id.text, userID)
    }

    private func sealedHeaders(of endpoint: Endpoint) throws -> [UInt8]? {
        try endpoint.headers.encoded().map {
            try keyring.seal($0, at: Self.headersPlace(endpoint.id, endpoint.userID))
        }
    }

    private func sealedClientKey(of endpoint: Endpoint) throws -> [UInt8]? {
        try endpoint.trust.key.map {
            try keyring.seal($0.exposed, at: Self.clientKeyPlace(endpoint.id, endpoint.userID))
        }
    }

    /// Where the private key is sealed that an endpoint is shown a certificate with.
    package static func clientKeyPlace(_ id: EndpointID, _ userID: UserID) -> Keyring.Place {
        Keyring.Place("endpoint", "client_key", id.text, userID)
    }

    /// Where the headers of an endpoint are sealed.
    package static func headersPlace(_ id: EndpointID, _ userID: UserID) -> Keyring.Place {
        Keyring.Place("endpoint", "headers", id.text, userID)
    }

    /// How many endpoints of all accounts the server gave up on. Reads every endpoint: for `httpsms doctor`.
    package static func countDisabled(in tx: any Transaction) throws -> Int {
        try tx.value("SELECT COUNT(*) AS value FROM endpoint WHERE status = \(EndpointStatus.disabled)") ?? 0
    }

    /// Event types and phone numbers hold no spaces.
    private static func joined(_ values: [String]) -> String { values.joined(separator: " ") }
}
