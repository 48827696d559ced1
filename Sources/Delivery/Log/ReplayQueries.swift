import HTTPSMSWebhooks
import Storage
import Timestamps

/// Makes and runs replays.
package enum ReplayQueries {
    /// The positions of the events of `userID` accepted in `since ..< until`: how many, the last, and the one before the
    /// first. Index: `event_time`, which holds all that is asked. Run it on a reader, as it counts.
    package static func range(
        userID: UserID, since: Timestamp, until: Timestamp, in tx: any Transaction
    ) throws -> (count: Int, before: Int64, last: Int64) {
        let row = try tx.rows(
            """
            SELECT COUNT(*) AS total, MIN(position) AS first, MAX(position) AS last
            FROM event
            WHERE user_id = \(userID) AND created_at >= \(since) AND created_at < \(until)
            """
        ).first
        guard let row, let first: Int64 = try row.find("first") else { return (0, 0, 0) }
        return (try row.get("total"), first - 1, try row.get("last"))
    }

    /// When the first event of `userID` that is still kept was accepted; nil when there is none. Index: `event_time`.
    package static func firstTime(userID: UserID, in tx: any Transaction) throws -> Timestamp? {
        try tx.value("SELECT MIN(created_at) AS value FROM event WHERE user_id = \(userID)")
    }

    /// Stores a new job over the range of ``range(userID:since:until:in:)``.
    package static func insert(
        _ id: ReplayID, endpoint: Endpoint, statuses: [ReplayedStatus], filter: Replay.Filter = Replay.Filter(),
        since: Timestamp, until: Timestamp, range: (count: Int, before: Int64, last: Int64), in tx: any Transaction
    ) throws {
        try tx.run(
            """
            INSERT INTO replay (
                id, user_id, endpoint_id, status, statuses, event_type, status_code, contact, since, until, cursor,
                last_position, total, done, replayed, created_at, updated_at)
            VALUES (
                \(id), \(endpoint.userID), \(endpoint.id), \(ReplayStatus.running),
                \(statuses.map(\.rawValue).joined(separator: " ")), \(filter.eventType), \(filter.statusCode),
                \(filter.contact), \(since), \(until), \(range.before), \(range.last), \(range.count), 0, 0, \(tx.now),
                \(tx.now))
            """)
        tx.wake(.replays)
    }

    /// The job `id` of `userID`; nil when there is none.
    package static func find(_ id: ReplayID, userID: UserID, in tx: any Transaction) throws -> Replay? {
        try tx.first(Replay.self, "SELECT * FROM replay WHERE id = \(id) AND user_id = \(userID)")
    }

    /// Says which of `messages`, at most 100, are with `contact`. It is asked inside of a write.
    package typealias ContactLookup = (_ messages: [String], _ contact: String, _ userID: UserID) throws -> Set<String>

    /// One transaction of the replay sweep: looks at 100 events of one running job, or as many as have 64 KiB together. Both are
    /// few, as everybody waits for it: a filter costs a million steps for an event with the longest text, see
    /// ``PreparedFilter``, of which three fit.
    ///
    /// Users take turns, whoever waited longest first, so that a job of a million events keeps nobody else waiting; the jobs
    /// of one user run one after the other.
    /// An event that cannot be read is passed over; a job that cannot be read is cancelled.
    ///
    /// - Parameters:
    ///   - unreadable: Told of events that are passed over, and of jobs; nil tells nobody.
    ///   - tx: The transaction.
    ///   - contacts: Is asked once where a job is narrowed to a contact; by itself this target knows no messages.
    /// - Returns: What a sweep has to know.
    /// - Throws: `StorageError`; what `contacts` throws.
    package static func step(
        unreadable: UnreadableRows? = nil, in tx: any Transaction,
        contacts: ContactLookup = { _, _, _ in [] }
    ) throws -> Sweep.Outcome {
        guard let replay = try next(unreadable: unreadable, in: tx) else {
            return Sweep.Outcome(mayHaveMore: false, nextDue: nil)
        }
        guard let target = try Target(replay.endpoint, in: tx) else {
            try move(replay, to: .cancelled, cursor: replay.cursor, looked: 0, replayed: 0, in: tx)
            return Sweep.Outcome(mayHaveMore: true, nextDue: nil)
        }
        let found = try tx.rows(
            """
            SELECT id, position, type, owner, order_key, order_no, only_endpoint_id, created_at,
                \(EventLog.byteCount) AS byte_count
            FROM event
            WHERE user_id = \(replay.userID) AND position > \(replay.cursor) AND position <= \(replay.lastPosition)
            ORDER BY position
            LIMIT \(batch)
            """)
        let events = try found.fitting(bytes: batchBytes)
        // An event that cannot be read is passed over below, and told of there.
        let messages = try replay.filter.contact.map { contact in
            try contacts(events.compactMap { try? $0.find("order_key", as: String.self) }, contact, replay.userID)
        }
        var replayed: Set<EventID> = []
        try tx.each(events) { event in
            if try self.replay(event, replay, target, of: messages, in: tx) { replayed.insert(try event.get("id")) }
        } passOver: { event, error in
            unreadable?.note("event", try event.get("id"), error, in: tx)
        }
        let cursor: Int64 = try events.last?.get("position") ?? replay.lastPosition
        let isOver = events.count == found.count && found.count < batch || cursor >= replay.lastPosition
        try move(
            replay, to: isOver ? .completed : .running, cursor: cursor, looked: events.count, replayed: replayed.count,
            in: tx
        )
        return Sweep.Outcome(mayHaveMore: true, nextDue: nil)
    }

    /// The job whose turn it is, locked; nil when none runs, or other nodes have all of them. Index: `replay_turn`, by a
    /// loose scan: it steps from user to user.
    private static func next(unreadable: UnreadableRows?, in tx: any Transaction) throws -> Replay? {
        let running = ReplayStatus.running.rawValue
        let candidates: [ReplayID] = try tx.rows(
            """
            WITH RECURSIVE waiting (user_id) AS (
                SELECT MIN(user_id) FROM replay
                WHERE status = \(literal: running)
                UNION ALL
                SELECT (SELECT MIN(r.user_id) FROM replay r
                        WHERE r.status = \(literal: running) AND r.user_id > waiting.user_id)
                FROM waiting
                WHERE waiting.user_id IS NOT NULL
            )
            SELECT r.id
            FROM waiting w
            JOIN replay r ON r.id = (
                SELECT MIN(id) FROM replay
                WHERE status = \(literal: running) AND user_id = w.user_id)
            ORDER BY r.updated_at, r.id
            LIMIT 20
            """
        ).map { try $0.get("id") }
        for candidate in candidates {
            let row = try tx.rows(
                """
                SELECT *
                FROM replay
                WHERE id = \(candidate) AND status = \(literal: running)
                \(.forUpdateSkipLocked)
                """
            ).first
            do {
                if let row { return try Replay(row: row) }
            } catch StorageError.corrupt(let reason) {
                try tx.run("UPDATE replay SET status = \(ReplayStatus.cancelled) WHERE id = \(candidate)")
                unreadable?.note("replay", candidate.text, StorageError.corrupt(reason), in: tx)
            }
        }
        return nil
    }

    /// Opens the delivery `id` of the endpoint again, with the whole schedule before it; false when it is not closed.
    ///
    /// The attempts go on counting, and the tally takes it back.
    package static func reopen(_ id: DeliveryID, lane: DeliveryLane, in tx: any Transaction) throws -> Bool {
        let closed = [DeliveryState.succeeded, .failed]
        let found = try tx.rows(
            "SELECT endpoint_id, state FROM delivery WHERE id = \(id) AND state IN \(list: closed) \(.forUpdate)"
        ).first
        guard let found else { return false }
        let endpoint: EndpointID = try found.get("endpoint_id")
        let hadFailed = try found.get("state", as: DeliveryState.self) == .failed
        // An event that retention took cannot be sent again.
        guard try retain("SELECT event_id FROM delivery WHERE id = \(id)", in: tx) else { return false }
        try tx.run(
            """
            UPDATE delivery
            SET state = \(literal: DeliveryState.pending.rawValue), lane = \(lane), due_at = \(tx.now), step = 0,
                completed_at = NULL
            WHERE id = \(id)
            """)
        try tx.run(
            """
            UPDATE tally
            SET succeeded = succeeded - \(hadFailed ? 0 : 1), failed = failed - \(hadFailed ? 1 : 0)
            WHERE endpoint_id = \(endpoint)
            """)
        tx.wake(.deliveries)
        return true
    }

    /// The endpoint of a job as it is now.
    private struct Target {
        let id: EndpointID
        let row: Row
        /// Why it cannot be read is said of each event that it would judge.
        let filter: Result<PreparedFilter?, any Error>

        init?(_ id: EndpointID, in tx: any Transaction) throws {
            let row = try tx.rows(
                """
                SELECT event_types, owners, filter
                FROM endpoint
                WHERE id = \(id) AND status <> \(literal: EndpointStatus.deleted.rawValue)
                """
            ).first
            guard let row else { return nil }
            self.id = id
            self.row = row
            filter = Result { try PreparedFilter.find(in: row) }
        }
    }

    /// Sends an event again if it is one of those that are wanted, of `messages` alone unless that is nil.
    private static func replay(
        _ event: Row, _ replay: Replay, _ target: Target, of messages: Set<String>?, in tx: any Transaction
    ) throws -> Bool {
        let eventID: EventID = try event.get("id")
        let created: Timestamp = try event.get("created_at")
        guard created >= replay.since, created < replay.until else { return false }
        let type: String = try event.get("type")
        if let wanted = replay.filter.eventType, type != wanted { return false }
        let key: String? = try event.find("order_key")
        if let messages {
            guard let key, messages.contains(key) else { return false }
        }
        let id = DeliveryID(event: eventID, endpoint: target.id, at: created)
        let delivery = try tx.rows("SELECT state, last_status_code FROM delivery WHERE id = \(id)").first
        if let wanted = replay.filter.statusCode {
            let code: Int? = try delivery?.find("last_status_code")
            guard code == wanted else { return false }
        }
        switch try delivery?.get("state", as: DeliveryState.self) {
        case .succeeded where replay.statuses.contains(.succeeded), .failed where replay.statuses.contains(.failed):
            return try reopen(id, lane: .replay, in: tx)
        case nil where replay.statuses.contains(.unmatched):
            let match = try EventMatch(
                endpoint: target.id, target.row, type: type, owner: try event.get("owner")
            ) {
                try target.filter.get()
            } subject: {
                EventSubject(
                    body: try tx.value("SELECT body AS value FROM event_body WHERE event_id = \(eventID)") ?? [])
            }
            let only: EndpointID? = try event.find("only_endpoint_id")
            guard match.reason == nil, only == nil || only == target.id else { return false }
            let order = try key.map { EventOrder(key: $0, number: try event.get("order_no")) }
            guard try retain("\(eventID)", in: tx) else { return false }
            try tx.insertDelivery(of: eventID, to: target.id, lane: .replay, order: order, eventAt: created)
            return true
        default: return false
        }
    }

    /// Keeps an event as long as if it were new: it is on its way again. False when it is gone.
    private static func retain(_ event: SQL, in tx: any Transaction) throws -> Bool {
        try tx.run("UPDATE event SET retained_from = \(tx.now) WHERE id = (\(event))") == 1
    }

    private static func move(
        _ replay: Replay, to status: ReplayStatus, cursor: Int64, looked: Int, replayed: Int, in tx: any Transaction
    ) throws {
        try tx.run(
            """
            UPDATE replay
            SET status = \(status), cursor = \(cursor), done = done + \(looked), replayed = replayed + \(replayed),
                updated_at = \(tx.now)
            WHERE id = \(replay.id)
            """)
    }

    /// Events in one transaction.
    private static let batch = 100
    /// What their bodies have together, in bytes: 100 usual ones.
    private static let batchBytes = 64 << 10
}
