import Delivery
import Storage
import Wire

/// Reads and writes the index of messages' texts.
///
/// Every message whose text is folded is in `message_unindexed` or in a segment, and perhaps in both or in several: what is
/// in a segment may have been deleted or written again since, so whoever finds it there looks at the message itself. A
/// message waits under its number of events, which grows with each change of its text.
enum SearchIndexQueries {
    /// Has `message` indexed, as its text is new. In the transaction that stores the text.
    static func add(_ message: Message) -> SQL { add(message.id, version: message.eventCount, userID: message.userID) }

    static func add(_ id: MessageID, version: Int, userID: UserID) -> SQL {
        """
        INSERT INTO message_unindexed (user_id, message_id, version)
        VALUES (\(userID), \(id), \(version))
        ON CONFLICT (user_id, message_id, version) DO NOTHING
        """
    }

    /// The account after `userID`, in the order of ids, that has messages without an index; the first for nil.
    static func user(after userID: UserID?, in tx: any Transaction) throws -> UserID? {
        let after: SQL = userID.map { "WHERE user_id > \($0)" } ?? ""
        return try tx.value("SELECT MIN(user_id) AS value FROM message_unindexed \(after)")
    }

    /// Whether at least `count` messages of the account wait.
    static func hasWaiting(_ count: Int, of userID: UserID, in tx: any Transaction) throws -> Bool {
        try !tx.rows(
            """
            SELECT message_id
            FROM message_unindexed
            WHERE user_id = \(userID)
            ORDER BY message_id, version
            LIMIT 1 OFFSET \(count - 1)
            """
        ).isEmpty
    }

    /// A message that waits.
    struct Waiting: Sendable {
        let id: MessageID
        let version: Int
        /// Nil when it was deleted.
        let text: String?
    }

    /// At most `limit` messages that wait, behind `last`, in the order of their ids.
    static func waiting(
        of userID: UserID, after last: Waiting?, limit: Int, in tx: any Transaction
    ) throws -> [Waiting] {
        let after: SQL = last.map { "AND (u.message_id, u.version) > (\($0.id), \($0.version))" } ?? ""
        return try tx.rows(
            """
            SELECT u.message_id, u.version, m.search_text
            FROM message_unindexed u
            LEFT JOIN message m ON m.id = u.message_id
            WHERE u.user_id = \(userID) \(after)
            ORDER BY u.message_id, u.version
            LIMIT \(limit)
            """
        ).map { row in
            Waiting(
                id: try row.get("message_id"), version: try row.get("version"), text: try row.find("search_text"))
        }
    }

    /// Stores `segment`, which holds `waiting`; false, and nothing to keep, when another server did.
    static func insert(
        _ segment: SearchSegment, of waiting: [Waiting], userID: UserID, in tx: any Transaction
    ) throws -> Bool {
        let deleted = try tx.runBatch(
            waiting.map { message in
                """
                DELETE FROM message_unindexed
                WHERE user_id = \(userID) AND message_id = \(message.id) AND version = \(message.version)
                """
            })
        guard deleted.allSatisfy({ $0 == 1 }) else { return false }
        if segment.ids.isEmpty { return true }
        let number: Int =
            try tx.value(
                "SELECT COALESCE(MAX(segment), 0) + 1 AS value FROM search_segment WHERE user_id = \(userID)") ?? 1
        try tx.run("INSERT INTO search_segment (user_id, segment, checked) VALUES (\(userID), \(number), \(number))")
        try tx.runBatch(
            segment.encoded().map { part, data in
                """
                INSERT INTO search_part (user_id, place, data)
                VALUES (\(userID), \(place(of: part, segment: number)), \(data))
                """
            })
        return true
    }

    /// The segments of the account, in order.
    static func segments(of userID: UserID, in tx: any Transaction) throws -> [Int] {
        try tx.rows("SELECT segment FROM search_segment WHERE user_id = \(userID) ORDER BY segment")
            .map { try $0.get("segment") }
    }

    /// The segment that was looked at the longest time ago, see ``SearchIndexer``.
    static func unchecked(of userID: UserID, in tx: any Transaction) throws -> Int? {
        try tx.rows(
            "SELECT segment FROM search_segment WHERE user_id = \(userID) ORDER BY checked, segment LIMIT 1"
        ).first?.get("segment")
    }

    /// Notes that the segment was looked at.
    static func check(_ segment: Int, of userID: UserID, in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE search_segment
            SET checked = (SELECT MAX(checked) + 1 FROM search_segment WHERE user_id = \(userID))
            WHERE user_id = \(userID) AND segment = \(segment)
            """)
    }

    /// The messages of a segment that are still there, with their number of events.
    static func living(
        in segment: Int, of userID: UserID, in tx: any Transaction
    ) throws -> (living: [(MessageID, version: Int)], all: Int) {
        let parts = try tx.rows(
            """
            SELECT data
            FROM search_part
            WHERE user_id = \(userID) AND place >= \(place(of: SearchSegment.part(ofPlace: 0), segment: segment))
                AND place < \(place(of: 0, segment: segment + 1))
            ORDER BY place
            """)
        var (living, all): ([(MessageID, version: Int)], Int) = ([], 0)
        for part in parts {
            let ids = SearchSegment.ids(in: try part.get("data")) ?? []
            all += ids.count
            let rows = try tx.rows("SELECT id, event_count FROM message WHERE id IN \(list: ids)")
            living += try rows.map { (try $0.get("id"), try $0.get("event_count")) }
        }
        return (living, all)
    }

    /// Deletes a segment, whose messages must wait again.
    static func delete(_ segment: Int, of userID: UserID, in tx: any Transaction) throws {
        try tx.run(
            """
            DELETE FROM search_part
            WHERE user_id = \(userID) AND place >= \(place(of: 0, segment: segment))
                AND place < \(place(of: 0, segment: segment + 1))
            """)
        try tx.run("DELETE FROM search_segment WHERE user_id = \(userID) AND segment = \(segment)")
    }

    /// These parts of one segment; those that it does not have are left out.
    static func parts(
        _ parts: [Int], ofSegment segment: Int, userID: UserID, in tx: any Transaction
    ) throws -> [Int: [UInt8]] {
        let places = padded(parts.unique.map { place(of: $0, segment: segment) })
        let rows = try tx.rows(
            "SELECT place, data FROM search_part WHERE user_id = \(userID) AND place IN \(list: places)")
        return Dictionary(
            try rows.map { (try $0.get("place", as: Int.self) % SearchSegment.parts, try $0.get("data")) },
            uniquingKeysWith: { $1 })
    }

    /// A part of each of `segments`; segments without it are left out. `all` says that those are all of the account's.
    static func parts(
        _ part: Int, of segments: [Int], isAll: Bool, userID: UserID, in tx: any Transaction
    ) throws -> [Int: [UInt8]] {
        if !isAll, segments.count <= listed {
            let places = segments.map { place(of: part, segment: $0) }
            let rows = try tx.rows(
                "SELECT place, data FROM search_part WHERE user_id = \(userID) AND place IN \(list: padded(places))")
            return Dictionary(
                try rows.map { (try $0.get("place", as: Int.self) / SearchSegment.parts, try $0.get("data")) },
                uniquingKeysWith: { $1 })
        }
        let rows = try tx.rows(
            """
            SELECT s.segment, p.data
            FROM search_segment s
            JOIN search_part p ON p.user_id = s.user_id AND p.place = s.segment * \(literal: SearchSegment.parts) + \(part)
            WHERE s.user_id = \(userID)
            """)
        return Dictionary(
            try rows.map { (try $0.get("segment"), try $0.get("data")) }, uniquingKeysWith: { $1 })
    }

    /// The ids of the messages at these places of segments; nil when a part cannot be read.
    static func ids(
        at places: [(segment: Int, place: Int)], userID: UserID, in tx: any Transaction
    ) throws -> [MessageID]? {
        let parts = places.map { place(of: SearchSegment.part(ofPlace: $0.place), segment: $0.segment) }.unique
        var data: [Int: [UInt8]] = [:]
        for start in stride(from: 0, to: parts.count, by: listed) {
            let some = padded(Array(parts[start..<min(start + listed, parts.count)]))
            let rows = try tx.rows(
                "SELECT place, data FROM search_part WHERE user_id = \(userID) AND place IN \(list: some)")
            for row in rows { data[try row.get("place")] = try row.get("data") }
        }
        let ids = places.compactMap { at in
            data[place(of: SearchSegment.part(ofPlace: at.place), segment: at.segment)].flatMap {
                SearchSegment.id(ofPlace: at.place, in: $0)
            }
        }
        return ids.count == places.count ? ids : nil
    }

    /// Messages that wait and fit `condition`, at most `limit`; `m` is the message.
    static func waiting(
        where condition: SQL, limit: Int, userID: UserID, in tx: any Transaction
    ) throws -> [MessageID] {
        try tx.rows(
            """
            SELECT DISTINCT m.id
            FROM message_unindexed u
            JOIN message m ON m.id = u.message_id
            WHERE u.user_id = \(userID) AND (\(condition))
            LIMIT \(limit)
            """
        ).map { try $0.get("id") }
    }

    /// The values, the last one repeated until there are 16, 128 and so on, so that few texts of statements are prepared.
    static func padded<Value>(_ values: [Value]) -> [Value] {
        guard let last = values.last else { return values }
        var size = 16
        while size < values.count { size *= 8 }
        return values + Array(repeating: last, count: size - values.count)
    }

    private static func place(of part: Int, segment: Int) -> Int { segment * SearchSegment.parts + part }

    /// Places in one statement.
    private static let listed = 128
}

extension SearchIndexQueries {
    static let migrations: [Migration] = [
        Migration(
            "search-2",
            [
                """
                CREATE TABLE message_unindexed (
                    user_id \(.text) NOT NULL,
                    message_id \(.text) NOT NULL,
                    version \(.int64) NOT NULL,
                    PRIMARY KEY (user_id, message_id, version)
                ) \(.keyed)
                """,
                """
                CREATE TABLE search_segment (
                    user_id \(.text) NOT NULL,
                    segment \(.int64) NOT NULL,
                    checked \(.int64) NOT NULL,
                    PRIMARY KEY (user_id, segment)
                ) \(.keyed)
                """,
                """
                CREATE TABLE search_part (
                    user_id \(.text) NOT NULL,
                    place \(.int64) NOT NULL,
                    data \(.blob) NOT NULL,
                    PRIMARY KEY (user_id, place)
                ) \(.strict)
                """,
            ])
    ]
}
