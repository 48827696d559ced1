/// A version of the SMSGate app, and what it can do.
package struct SMSGateVersion: Comparable, Hashable, Sendable, CustomStringConvertible {
    let major: Int
    let minor: Int
    let patch: Int

    /// A version.
    package init(_ major: Int, _ minor: Int, _ patch: Int) {
        (self.major, self.minor, self.patch) = (major, minor, patch)
    }

    /// Reads `1.68.0`; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 3, let major = parts[0], let minor = parts[1], let patch = parts[2],
            [major, minor, patch].allSatisfy({ (0...9_999).contains($0) })
        else { return nil }
        self.init(major, minor, patch)
    }

    /// The one that all of this was read in.
    package static let newest = SMSGateVersion(1, 68, 0)

    package var description: String { "\(major).\(minor).\(patch)" }

    /// Orders by major, minor and patch.
    package static func < (left: Self, right: Self) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }

    /// Whether a name in the list of webhooks is one of this version's enum; any other one spoils the whole list.
    func knows(event: String) -> Bool {
        Self.events.contains { $0.name == event && $0.since <= self }
    }

    private static let events: [(name: String, since: SMSGateVersion)] = [
        ("sms:received", .init(1, 15, 0)), ("system:ping", .init(1, 16, 0)), ("sms:sent", .init(1, 16, 0)),
        ("sms:delivered", .init(1, 16, 0)), ("sms:failed", .init(1, 16, 0)),
        ("sms:data-received", .init(1, 39, 0)), ("mms:received", .init(1, 47, 0)),
        ("mms:downloaded", .init(1, 56, 0)), ("app:started", .init(1, 66, 0)), ("sms:cancelled", .init(1, 67, 0)),
    ]

    /// Whether an event of the stream is known.
    func knows(streamEvent: String) -> Bool {
        switch streamEvent {
        case "MessageEnqueued": true
        case "WebhooksUpdated": self >= .init(1, 15, 0)
        case "MessagesExportRequested": self >= .init(1, 28, 0)
        case "SettingsUpdated": self >= .init(1, 37, 0)
        case "MessageCancelled": self >= .init(1, 67, 0)
        default: false
        }
    }

    /// Hooks are signed.
    var signs: Bool { self >= .init(1, 33, 0) }
    /// There is a stream at all.
    var streams: Bool { self >= .init(1, 43, 0) }
    /// The order of messages is asked for and can be set.
    var hasOrder: Bool { self >= .init(1, 46, 0) }
    /// The user can choose the stream on a phone with Google services.
    var hasChannel: Bool { self >= .init(1, 53, 0) }
    /// Messages are fetched when the stream opens.
    var pullsOnConnect: Bool { self >= .init(1, 53, 1) }
    /// Hooks name `sender` and `recipient`; before there was `phoneNumber` only.
    var namesSender: Bool { self >= .init(1, 54, 0) }
    /// The SIM cards are told at registration.
    var tellsSIMs: Bool { self >= .init(1, 65, 0) }
    /// SMS that came while the app did not run are read from the inbox at its start.
    var readsInbox: Bool { self >= .init(1, 66, 1) }
    /// The `state` of an offered message is looked at, and messages can be cancelled.
    var cancels: Bool { self >= .init(1, 67, 0) }

    /// How the app finds that it has passed an SMS on before.
    enum DuplicateCheck {
        case none
        /// Without the time: a second SMS with the same text is lost for good (fixed by its commit 64ce33b).
        case withoutTime
        case exact
    }

    /// By version.
    var duplicateCheck: DuplicateCheck {
        if self < .init(1, 65, 2) { return .none }
        return self < .init(1, 66, 2) ? .withoutTime : .exact
    }
}
