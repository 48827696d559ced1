import Delivery
import Storage

/// How much an invited account may have, so that nobody fills the disk of everybody. The account that owns the server is
/// exempt, and what comes to a phone is never refused: only the files of an SMS, and the reply to a missed call, are left out.
///
/// Every count is of rows of one account by an index, no more than the limit; what happens by the day is a number in
/// `account_usage`, which is locked until the transaction ends, so that two requests cannot both take the last place.
package struct Quotas: Sendable, Equatable {
    /// Phones; nil for any number, as with all of these.
    package var phones: Int? = 10
    /// Phone API keys.
    package var phoneKeys: Int? = 20
    /// Send schedules.
    package var schedules: Int? = 20
    /// Webhooks; the owner has at most 10, as in httpSMS.
    package var webhooks: Int? = 10
    /// Messages that are accepted for sending in one day (UTC), by whatever way.
    package var messagesPerDay: Int? = 2_000
    /// Bytes of files of inbound SMS that are kept in one day (UTC).
    package var attachmentBytesPerDay: Int? = 100_000_000

    /// The defaults.
    package init() {}

    /// What is counted.
    enum Kind: String, Sendable {
        case phones, schedules, webhooks
        case phoneKeys = "phone API keys"
    }

    /// Ends the request with 402 when an account has as many of a kind as it may have. `count` is only asked for where
    /// there is a limit, and after the account's row is locked.
    func require(
        roomFor kind: Kind, userID: UserID, in tx: any Transaction, count: () throws -> Int
    ) throws {
        let limit =
            switch kind {
            case .phones: phones
            case .phoneKeys: phoneKeys
            case .schedules: schedules
            case .webhooks: webhooks
            }
        guard let limit, try !FirstRunQueries.isOwner(userID, in: tx) else { return }
        try UserQueries.lock(userID, in: tx)
        guard try count() >= limit else { return }
        throw Refusal(
            .quota,
            """
            You can't create more than \(limit) \(kind.rawValue). Delete one that you do not need, or ask who runs this \
            server for more.
            """)
    }

    /// Counts messages that are accepted for sending: for ``MessagePlanner``, which all of them come by.
    ///
    /// - Throws: ``Refusal`` `.tooMany` when there are too many in this day; nothing is counted then, also where `tx` goes on.
    func take(messages count: Int, userID: UserID, in tx: any Transaction) throws {
        guard let limit = messagesPerDay, try !FirstRunQueries.isOwner(userID, in: tx) else { return }
        guard try Self.add(messages: count, bytes: 0, userID: userID, in: tx).messages > limit else { return }
        _ = try Self.add(messages: -count, bytes: 0, userID: userID, in: tx)
        throw Refusal(
            .tooMany,
            """
            You can't send more than \(limit) messages in one day. The count begins again at midnight UTC; ask who runs \
            this server for more.
            """)
    }

    /// Locks what the account has used, for a transaction that may count messages after it locked something else.
    func lock(_ userID: UserID, in tx: any Transaction) throws {
        guard messagesPerDay != nil, try !FirstRunQueries.isOwner(userID, in: tx) else { return }
        _ = try Self.add(messages: 0, bytes: 0, userID: userID, in: tx)
    }

    /// Counts bytes that are kept; false when they are too many for this day, and must not be kept.
    func take(attachmentBytes count: Int, userID: UserID, in tx: any Transaction) throws -> Bool {
        guard count > 0, let limit = attachmentBytesPerDay, try !FirstRunQueries.isOwner(userID, in: tx) else {
            return true
        }
        guard try Self.add(messages: 0, bytes: count, userID: userID, in: tx).bytes > limit else { return true }
        _ = try Self.add(messages: 0, bytes: -count, userID: userID, in: tx)
        return false
    }

    static let migrations: [Migration] = [
        Migration(
            "quotas-1",
            [
                """
                CREATE TABLE account_usage (
                    user_id \(.text) PRIMARY KEY,
                    day \(.int64) NOT NULL,
                    messages \(.int64) NOT NULL,
                    attachment_bytes \(.int64) NOT NULL
                ) \(.strict)
                """
            ])
    ]
}
