/// What somebody did, as the log of changes calls it: a thing and what became of it, such as `webhook.updated`.
package struct AuditAction: RawRepresentable, Hashable, Sendable {
    /// The name in the API and in the store; one of ``known``, or what a newer version wrote.
    package let rawValue: String

    /// - Parameter rawValue: What the log stores, such as `webhook.created`.
    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// In words, as they follow who did it.
    package var words: String { Self.words[rawValue] ?? rawValue }

    /// Every name that this version writes, in alphabetical order.
    static let known: [String] = words.keys.sorted()

    static let signedIn = AuditAction(rawValue: "session.started")
    static let keyRotated = AuditAction(rawValue: "api_key.rotated")
    static let passwordChanged = AuditAction(rawValue: "password.changed")
    static let passwordReset = AuditAction(rawValue: "password.reset")
    static let recoveryCodeUsed = AuditAction(rawValue: "recovery_code.used")
    static let teamJoined = AuditAction(rawValue: "team.joined")
    static let secondFactorRemoved = AuditAction(rawValue: "second_factor.removed")

    private static let words: [String: String] = [
        "access_key.created": "made an access key",
        "access_key.deleted": "deleted an access key",
        "account.updated": "changed the account",
        "alert_settings.updated": "changed how you are told of problems",
        "alert_webhook.created": "added a webhook for alerts",
        "alert_webhook.deleted": "deleted a webhook for alerts",
        "alert_webhook.updated": "changed a webhook for alerts",
        "api_key.rotated": "replaced the account's API key",
        "api_key.shown": "had the account's API key shown",
        "batch.canceled": "cancelled SMS of a bulk file",
        "batch.paused": "paused a bulk file",
        "batch.resumed": "resumed a bulk file",
        "batch.sent": "sent a bulk file",
        "contact.created": "added a contact",
        "contact.deleted": "deleted a contact",
        "contact.updated": "changed a contact",
        "contacts.imported": "imported contacts",
        "conversation.assigned": "said who looks after a conversation",
        "conversation.deleted": "deleted a conversation",
        "delivery.retried": "sent a delivery again",
        "device.deleted": "removed an SMSGate app",
        "device.inbox_asked": "asked an SMSGate app for the phone's inbox",
        "device.paired": "made a code that connects an SMSGate app",
        "device.revoked": "signed an SMSGate app out",
        "forwarder.created": "added a forwarder",
        "forwarder.deleted": "deleted a forwarder",
        "invitation.created": "invited somebody",
        "invitation.deleted": "withdrew an invitation",
        "message.canceled": "cancelled a planned SMS",
        "message.deleted": "deleted an SMS",
        "message.sent": "sent an SMS from the dashboard",
        "message.updated": "changed a planned SMS",
        "note.created": "noted something about a conversation",
        "note.deleted": "deleted a note about a conversation",
        "password.changed": "changed the password",
        "password.reset": "replaced a forgotten password",
        "phone.deleted": "deleted a phone",
        "phone.move_allowed": "let another app take over a number",
        "phone.updated": "changed a phone",
        "phone_key.created": "made a phone's key",
        "phone_key.deleted": "deleted a phone's key",
        "phone_key.updated": "took a number from a phone's key",
        "recovery_code.used": "signed in with a recovery code",
        "recovery_codes.replaced": "replaced the recovery codes",
        "schedule.created": "added a send schedule",
        "schedule.deleted": "deleted a send schedule",
        "schedule.updated": "changed a send schedule",
        "second_factor.added": "turned two-step sign-in on",
        "second_factor.removed": "turned two-step sign-in off",
        "session.ended": "signed out",
        "session.revoked": "signed another browser out",
        "session.started": "signed in",
        "sessions.ended": "signed out everywhere",
        "team.invited": "asked somebody into the team",
        "team.joined": "joined the team",
        "team.removed": "removed somebody from the team",
        "team.role_changed": "changed what a member of the team may do",
        "team.withdrawn": "withdrew an invitation into the team",
        "text.created": "saved a text",
        "text.deleted": "deleted a saved text",
        "text.updated": "changed a saved text",
        "timezone.updated": "changed the time zone",
        "user.deleted": "deleted somebody's account",
        "webhook.created": "added a webhook",
        "webhook.deleted": "deleted a webhook",
        "webhook.key_rotated": "replaced a webhook's signing key",
        "webhook.key_shown": "had a webhook's signing key shown",
        "webhook.paused": "paused a webhook",
        "webhook.replayed": "sent a webhook's earlier events again",
        "webhook.resumed": "resumed a webhook",
        "webhook.rotation_finished": "ended the time of a webhook's old signing key",
        "webhook.updated": "changed a webhook",
    ]
}
