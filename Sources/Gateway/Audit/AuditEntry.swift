import Delivery
import HTTPSMSWebhooks
import JSON
import Storage
import Timestamps

/// The id of an entry.
package typealias AuditEntryID = ID<AuditEntry>

/// One line of an account's log of changes: who did what, when, and from where. It is written once and never changed.
package struct AuditEntry: Sendable {
    /// Its id.
    package let id: AuditEntryID
    /// When it was done.
    package let createdAt: Timestamp
    /// Who did it.
    package let actor: Actor
    /// What was done.
    package let action: AuditAction
    /// What it was done to: the id of a webhook, a phone, a message; nil where the action says it all.
    package let subject: String?
    /// The client's address; nil for what was done on the server itself.
    package let address: String?

    /// Who did it.
    package struct Actor: Sendable, Equatable {
        /// What they acted with.
        package enum Kind: String, Sendable, CaseIterable {
            /// Somebody who is signed in, in a browser.
            case session
            /// A program with the account's own API key.
            case accountKey = "account_key"
            /// A program with an access key.
            case accessKey = "access_key"
            /// Whoever runs the server, at its command line.
            case serverOperator = "operator"
        }

        /// What kind of actor it is.
        package let kind: Kind
        /// The id of the access key, or the e-mail address of the member of the account's team; nil for everybody else.
        package let id: String?
        /// What the browser calls itself; empty for everybody else.
        package let agent: String
    }

    /// Cuts what a request says of itself, so that no entry is longer than a line.
    static let longest = 255
}

extension AuditEntry.Actor {
    /// Somebody who is signed in.
    package init(_ session: Session) {
        self.init(session.person, agent: session.agent)
    }

    /// Somebody in a browser that calls itself `agent`.
    init(_ person: Person, agent: String) {
        self.init(kind: .session, id: person.memberEmail, agent: agent)
    }

    /// Nil for a phone's key: what phones report is no change that somebody made.
    init?(_ identity: Identity) {
        switch identity {
        case .user: self.init(kind: .accountKey, id: nil, agent: "")
        case .key(_, let grant): self.init(kind: .accessKey, id: grant.id.text, agent: "")
        case .phone: return nil
        }
    }

    static let serverOperator = AuditEntry.Actor(kind: .serverOperator, id: nil, agent: "")
}

extension AuditEntry: RowDecodable {
    package init(row: Row) throws {
        self.init(
            id: try row.get("id"), createdAt: try row.get("created_at"),
            actor: Actor(
                // What a newer version wrote is a program's doing, as far as this one can tell.
                kind: Actor.Kind(rawValue: try row.get("actor")) ?? .accountKey, id: try row.find("actor_id"),
                agent: try row.get("agent")),
            action: AuditAction(rawValue: try row.get("action")), subject: try row.find("subject"),
            address: try row.find("address"))
    }
}

extension AuditEntry: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in addFields(to: &o) }
    }

    /// The members of an entry, also where words follow.
    func addFields(to o: inout JSONObjectWriter) {
        o.field("id", id.text)
        o.field("created_at", createdAt)
        o.field("actor", actor.kind.rawValue)
        o.field("actor_id", actor.id)
        o.field("agent", actor.agent)
        o.field("action", action.rawValue)
        o.field("subject", subject)
        o.field("address", address)
    }
}

enum AuditMigrations {
    static let all: [Migration] = [
        Migration(
            "audit-1",
            [
                """
                CREATE TABLE audit_entry (
                    id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    created_at \(.int64) NOT NULL,
                    actor \(.text) NOT NULL,
                    actor_id \(.text),
                    agent \(.text) NOT NULL,
                    action \(.text) NOT NULL,
                    subject \(.text),
                    address \(.text)
                ) \(.strict)
                """,
                "CREATE INDEX audit_entry_user ON audit_entry (user_id, id)",
                "CREATE INDEX audit_entry_age ON audit_entry (created_at)",
            ])
    ]
}
