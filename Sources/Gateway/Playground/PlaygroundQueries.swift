import Delivery
import Storage
import Timestamps

/// Reads and writes playgrounds and the last requests to them.
enum PlaygroundQueries {
    /// The playground of `userID`; nil when there is none.
    static func find(userID: UserID, in tx: any Transaction) throws -> Playground? {
        try tx.first(Playground.self, "SELECT * FROM playground WHERE user_id = \(userID)")
    }

    /// The playground whose token this is. Index: `playground_token`.
    static func find(token: String, in tx: any Transaction) throws -> Playground? {
        try tx.first(Playground.self, "SELECT * FROM playground WHERE token = \(token)")
    }

    /// Stores a new one, unless the account has one.
    static func insert(_ playground: Playground, in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO playground (user_id, token, last_number, created_at)
            VALUES (\(playground.userID), \(playground.token), 0, \(playground.createdAt))
            ON CONFLICT (user_id) DO NOTHING
            """)
    }

    /// Deletes it with what arrived; false when there is none.
    static func delete(userID: UserID, in tx: any Transaction) throws -> Bool {
        let deleted = try tx.run("DELETE FROM playground WHERE user_id = \(userID)")
        try tx.run("DELETE FROM playground_request WHERE user_id = \(userID)")
        return deleted == 1
    }

    /// What arrived after the request `number`, the newest first: at most ``PlaygroundRequest/kept``.
    static func requests(of userID: UserID, after number: Int64, in tx: any Transaction) throws -> [PlaygroundRequest] {
        try tx.all(
            PlaygroundRequest.self,
            """
            SELECT *
            FROM playground_request
            WHERE user_id = \(userID) AND number > \(number)
            ORDER BY number DESC
            LIMIT \(PlaygroundRequest.kept)
            """)
    }

    /// Keeps a request in place of the oldest one; not when the playground was deleted meanwhile.
    static func record(_ request: PlaygroundRequest, token: String, in tx: any Transaction) throws {
        let row = try tx.rows(
            """
            UPDATE playground
            SET last_number = last_number + 1
            WHERE token = \(token)
            RETURNING user_id, last_number
            """
        ).first
        guard let row else { return }
        let (userID, number): (UserID, Int64) = (try row.get("user_id"), try row.get("last_number"))
        let verdict = request.verdict
        try tx.run(
            """
            INSERT INTO playground_request (
                user_id, number, received_at, method, headers, body, size, signature, signature_problem, event_problem,
                event_type, event_id)
            VALUES (
                \(userID), \(number), \(request.receivedAt), \(request.method), \(HeaderText.encode(request.headers)),
                \(request.body), \(request.size), \(verdict.signature), \(verdict.signatureProblem),
                \(verdict.eventProblem), \(verdict.eventType), \(verdict.eventID))
            """)
        try tx.run(
            """
            DELETE FROM playground_request
            WHERE user_id = \(userID) AND number <= \(number - Int64(PlaygroundRequest.kept))
            """)
    }

    /// What a row of `playground_request` holds, in bytes.
    static let byteCount: SQL = SQL.byteCount(of: "headers") + "+ LENGTH(body)"

    /// Deletes as many requests older than `cutoff` as a transaction may; true when there may be more. Index:
    /// `playground_request_age`.
    static func prune(before cutoff: Timestamp, in tx: any Transaction) throws -> Bool {
        var room = DeletionRoom()
        try Deletion(
            "playground_request", key: "user_id, number", byteCount: byteCount,
            where: "received_at < \(cutoff)", order: "received_at, user_id, number"
        ).delete(&room, in: tx)
        return room.isFull
    }
}
