import Delivery
import Storage
import Timestamps

/// What waits of an upload: holding it, letting it go on, and cancelling it.
///
/// A message that is held waits without a time (`planned_at`), and so is neither in a queue nor due.
extension BulkMessageQueries {
    /// Locks the phones that an upload sends from, as whoever changes their queues does, by id, and gives them by their numbers.
    /// Numbers without a phone are nil. Index: `message_batch`.
    static func phones(
        of requestID: String, userID: UserID, in tx: any Transaction
    ) throws -> [(number: String, phone: Phone?)] {
        let numbers: [String] = try tx.all(
            """
            SELECT DISTINCT owner
            FROM message
            WHERE user_id = \(userID) AND batch = \(requestID) AND status = \(MessageStatus.pending)
            ORDER BY owner
            """
        ) { try $0.get("owner") }
        let phones = Dictionary(
            try PhoneQueries.find(numbers: numbers, userID: userID, in: tx).map { ($0.phoneNumber, $0) },
            uniquingKeysWith: { $1 })
        return numbers.map { ($0, phones[$0]) }
    }

    /// Notes whether an upload is held, and until when, nil for until somebody lets it go; false when `userID` has no such upload.
    static func mark(
        _ requestID: String, isPaused: Bool, startsAt: Timestamp? = nil, userID: UserID, in tx: any Transaction
    ) throws -> Bool {
        try tx.run(
            """
            UPDATE bulk_message
            SET paused = \(isPaused), starts_at = \(startsAt)
            WHERE user_id = \(userID) AND request_id = \(requestID)
            """) == 1
    }

    /// The upload that is to begin and waits longest, locked; one alone, as its phones are locked before any message. Also one that
    /// is to begin later than any does: the clock was set back since. Index: `bulk_message_starts`.
    static func starting(in tx: any Transaction) throws -> (requestID: String, userID: UserID)? {
        let due = try tx.rows(
            """
            SELECT request_id, user_id
            FROM bulk_message
            WHERE starts_at IS NOT NULL
                AND (starts_at <= \(tx.now) OR starts_at > \(tx.now + latestStart))
            ORDER BY starts_at, user_id, request_id
            LIMIT 1
            \(.forUpdateSkipLocked)
            """
        )
        return try due.first.map { (requestID: try $0.get("request_id"), userID: try $0.get("user_id")) }
    }

    /// Further ahead than any upload begins.
    private static let latestStart: Duration = .seconds(20)

    /// When the next upload is to begin; nil when none is. Index: `bulk_message_starts`.
    static func nextStart(in tx: any Transaction) throws -> Timestamp? {
        try tx.value("SELECT MIN(starts_at) AS value FROM bulk_message WHERE starts_at IS NOT NULL")
    }

    /// Holds what waits. Index: `message_batch`.
    static func hold(_ requestID: String, userID: UserID, in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE message
            SET planned_at = NULL, turn = NULL
            WHERE user_id = \(userID) AND batch = \(requestID) AND status = \(MessageStatus.pending)
                AND planned_at IS NOT NULL
            """)
    }

    /// What is held, of one phone, in the order of the file. Index: `message_batch`.
    static func held(
        of requestID: String, owner: String, userID: UserID, in tx: any Transaction
    ) throws -> [Message] {
        try tx.all(
            Message.self,
            """
            SELECT *
            FROM message
            WHERE user_id = \(userID) AND batch = \(requestID) AND status = \(MessageStatus.pending)
                AND planned_at IS NULL AND owner = \(owner)
            ORDER BY id
            """)
    }

    /// At most `limit` messages that wait or are held, locked. Index: `message_batch`.
    static func waiting(
        of requestID: String, limit: Int, userID: UserID, in tx: any Transaction
    ) throws -> [Message] {
        try tx.all(
            Message.self,
            """
            SELECT *
            FROM message
            WHERE user_id = \(userID) AND batch = \(requestID) AND status = \(MessageStatus.pending)
            ORDER BY id
            LIMIT \(limit)
            \(.forUpdate)
            """)
    }

    /// Counts messages that were cancelled.
    static func count(cancelled: Int, of requestID: String, userID: UserID, in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE bulk_message
            SET cancelled = cancelled + \(cancelled)
            WHERE user_id = \(userID) AND request_id = \(requestID)
            """)
    }

    /// Gives a message that was held its own time back.
    static func release(_ id: MessageID, at time: Timestamp, in tx: any Transaction) throws {
        try tx.run("UPDATE message SET planned_at = \(time) WHERE id = \(id)")
    }
}
