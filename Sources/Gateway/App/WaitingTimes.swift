import Delivery
import Storage
import Timestamps

/// Pulls in what waits for a time that was set back, of all but deliveries, which ``DueTimes`` does.
///
/// Each time that lies further ahead than it can have been set by the present clock is set again by that. Nothing is lost by
/// it: what it says is what would have been written now.
package struct WaitingTimes: Sendable {
    let store: any Store
    /// A phone that is silent for so long is offline.
    let offlineAfter: Duration
    let unreadable: UnreadableRows

    /// With all that it is made of.
    package init(store: any Store, offlineAfter: Duration, unreadable: UnreadableRows) {
        self.store = store
        self.offlineAfter = offlineAfter
        self.unreadable = unreadable
    }

    /// A column that never lies further ahead than `longest`.
    struct Column {
        let table: SQL
        let key: SQL
        let name: SQL
        /// What the index of the column needs to be used.
        var condition: SQL = ""
        let longest: Duration
        /// From now on, what it is set to where it does.
        let reset: Duration
    }

    /// The columns with an index, or in tables of few rows. Indexes: `push_due`, `presence_check`, `presence_wake`,
    /// `session_expires`, `invitation_expires`.
    private var columns: [Column] {
        let day: Duration = .seconds(86_400)
        return [
            Column(table: "push", key: "id", name: "due_at", longest: PushSender.longestWait, reset: .zero),
            // The check looks when the phone was heard last, and sets it again.
            Column(
                table: "presence", key: "phone_id", name: "check_at", condition: "AND online = 1",
                longest: offlineAfter,
                reset: .zero),
            Column(
                table: "presence", key: "phone_id", name: "wake_at", longest: HeartbeatOperations.wakeUpAfter,
                reset: HeartbeatOperations.wakeUpAfter),
            Column(
                table: "session", key: "token_hash", name: "expires_at", longest: SessionQueries.lifetime,
                reset: SessionQueries.lifetime),
            Column(
                table: "invitation", key: "token_hash", name: "expires_at", longest: InvitationQueries.lifetime,
                reset: InvitationQueries.lifetime),
            Column(table: "first_run_token", key: "token_hash", name: "expires_at", longest: day, reset: day),
            Column(table: "user_erasure", key: "user_id", name: "due_at", longest: .seconds(60), reset: .zero),
            Column(table: "user_erasure", key: "user_id", name: "ends_at", longest: .seconds(60), reset: .seconds(60)),
        ]
    }

    /// Does so, a bounded transaction after the other: after a step back, and at a start, when nobody knows what was set since.
    package func pullIn() async throws {
        for column in columns {
            while try await store.write(.maintenance, { tx in try Self.pullIn(column, in: tx) == Self.batch }) {}
        }
        var place: Place? = .start
        while let from = place {
            place = try await store.write(.maintenance) { tx in try Self.pullInExpiry(after: from, in: tx) }
        }
        var phone: String? = ""
        while let from = phone {
            phone = try await store.write(.maintenance) { tx in try replan(after: from, in: tx) }
        }
        for topic in [Wakeups.Topic.messages, .pushes, .presence, .erasures] { store.wakeups.signal(topic) }
    }

    static let batch = 500
    /// The clocks of nodes differ by less.
    static let margin: Duration = .seconds(15)
}
