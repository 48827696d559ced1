import HTTPSMSWebhooks
import Secrets
import Storage
import Timestamps

/// Names an endpoint.
package typealias EndpointID = ID<Endpoint>

/// Where a user wants events: what the API and the dashboard call a webhook.
package struct Endpoint: Sendable, Hashable {
    /// The webhook's id.
    package let id: EndpointID
    /// Whose events it receives.
    package let userID: UserID
    /// The callback URL as the user wrote it, scheme included.
    package var url: String
    /// Signs the JWT; nil sends without an `Authorization` header.
    package var signingKey: Secret<String>?
    /// The stored signing key, when it does not open: the endpoint must not be sent to until it has a new one.
    package var unreadableKey: [UInt8]?
    /// What requests carry beside our own headers.
    package var headers = EndpointHeaders.none
    /// The stored headers, when they do not open: as with ``unreadableKey``, the endpoint must not be sent to.
    package var unreadableHeaders: [UInt8]?
    /// Whose certificates it is trusted by, and which one it is shown.
    package var trust = EndpointTrust.system
    /// The stored private key, when it does not open: as with ``unreadableKey``, the endpoint must not be sent to.
    package var unreadableClientKey: [UInt8]?
    /// The key that ``signingKey`` replaced, while both are valid; nil when there is none.
    package var previousSigningKey: RetiringKey?
    /// In which shape it gets events.
    package var payloadFormat = PayloadFormat.cloudEvents
    /// Whether the events of one message arrive in order.
    package var ordering: DeliveryOrdering
    /// How what was held is let go; nil when nothing of it is left.
    package var release: Release?
    /// What it wants of the events of its types and phone numbers.
    package var filter = EventFilter()
    /// What its owner wants otherwise than it is documented.
    package var plan = EndpointPlan.documented
    /// How often it is sent to, and from when on.
    package var pace = Pace()
    /// How its own URL does, where it has a fallback.
    package var outage = Outage()
    /// Where what is claimed now goes; not stored.
    var route = Route.own
    /// Successes in the last second, as far as the node knows that claimed from it; not stored.
    package var recentRate = 0
    /// The types it receives, in the user's order, without repetition.
    package var eventTypes: [EventType]
    /// The phone numbers it receives events of, in the user's order, without repetition; ``everyOwner`` alone is all of the
    /// account, also those that it has later.
    package var owners: [String]
    /// Whether it reaches public addresses only, whatever other networks the operator allows.
    package var isPublicOnly: Bool
    /// Whether deliveries are made.
    package var status: EndpointStatus
    /// Why it is not active, in words; nil when it is.
    package var statusReason: String?
    /// Grows with every change that is stored, also of names and numbers.
    package var version: Int64
    /// When it was made.
    package let createdAt: Timestamp
    /// When the user changed it last.
    package var updatedAt: Timestamp

    /// Describes an endpoint; one that is new is active in version 1.
    package init(
        id: EndpointID, userID: UserID, url: String, signingKey: Secret<String>?, eventTypes: [EventType],
        owners: [String], status: EndpointStatus = .active, statusReason: String? = nil, version: Int64 = 1,
        ordering: DeliveryOrdering = .none, isPublicOnly: Bool = false, previousSigningKey: RetiringKey? = nil,
        release: Release? = nil,
        createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.userID = userID
        self.url = url
        self.signingKey = signingKey
        self.eventTypes = eventTypes
        self.owners = owners
        self.status = status
        self.statusReason = statusReason
        self.version = version
        self.ordering = ordering
        self.isPublicOnly = isPublicOnly
        self.previousSigningKey = previousSigningKey
        self.release = release
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

extension Endpoint {
    /// What stands for all phone numbers; no number is written so.
    package static let everyOwner = "*"

    /// Whether it receives events of all phone numbers.
    package var hearsEveryOwner: Bool { owners == [Self.everyOwner] }

    /// Whether attempts at `other` end as attempts at this one do, as far as an endpoint can say: what differs is at most which
    /// events it receives, and in which order.
    func isTriedAs(_ other: Endpoint) -> Bool {
        var same = self
        (same.eventTypes, same.owners, same.filter) = (other.eventTypes, other.owners, other.filter)
        (same.ordering, same.release) = (other.ordering, other.release)
        (same.pace, same.outage, same.route) = (other.pace, other.outage, other.route)
        same.recentRate = other.recentRate
        (same.version, same.updatedAt) = (other.version, other.updatedAt)
        return same == other
    }

    /// The keys that sign the body at `now`: the current one first, then the one it replaced while that is valid. None where the
    /// format has no place for signatures.
    package func validSigningKeys(at now: Timestamp) -> [String] {
        guard payloadFormat.isSigned else { return [] }
        return [signingKey, previousSigningKey.flatMap { $0.expiresAt > now ? $0.key : nil }].compactMap { $0?.exposed }
    }

    /// Why it must not be sent to: one of its secrets does not open. Nil when all do.
    var unreadableSecret: String? {
        if unreadableKey != nil { return EndpointQueries.unreadableKey }
        if unreadableHeaders != nil { return EndpointQueries.unreadableHeaders }
        return unreadableClientKey == nil ? nil : EndpointQueries.unreadableClientKey
    }

    /// Whether requests carry signatures: they do where there is a key and the format has a place for them.
    package var isSigned: Bool { signingKey != nil && payloadFormat.isSigned }

    /// The key that signs the JWT at `now`: it carries one signature, so the old key stays until its time is over.
    package func tokenSigningKey(at now: Timestamp) -> String? {
        validSigningKeys(at: now).last
    }
}

/// A signing key on its way out.
package struct RetiringKey: Sendable, Hashable {
    /// The key.
    package let key: Secret<String>
    /// Until when it is valid.
    package let expiresAt: Timestamp

    /// Names a key and its end.
    package init(key: Secret<String>, expiresAt: Timestamp) {
        self.key = key
        self.expiresAt = expiresAt
    }
}

/// In which order an endpoint gets its events.
package enum DeliveryOrdering: Int, Sendable, SQLEnum {
    /// Each as soon as it can.
    case none = 0
    /// The events of one message in sequence: a failing one holds up only those of its message.
    case message = 1
}

/// How deliveries that were held are let go: in order, one at a time, newer ones behind them.
package struct Release: Sendable, Hashable {
    /// Deliveries a second; nil is as fast as the endpoint takes them.
    package let rate: Double?
    /// The sequence of the last delivery that was held.
    package let through: Int64

    /// Names a pace and an end.
    package init(rate: Double?, through: Int64) {
        self.rate = rate
        self.through = through
    }
}

/// Whether an endpoint's deliveries are made. Pending deliveries of one that is not active are *held*.
package enum EndpointStatus: Int, Sendable, SQLEnum {
    /// Deliveries are made.
    case active = 0
    /// Held on purpose: by the user, or because no phone number is left.
    case paused = 1
    /// Held because the server gave up on it.
    case disabled = 2
    /// On its way out: its pending deliveries are being cancelled.
    case deleted = 3
}
