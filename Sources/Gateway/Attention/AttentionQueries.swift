import Delivery
import Storage
import Timestamps

/// Finds what needs somebody. Each figure has one function here, whoever shows it.
package struct AttentionQueries: Sendable {
    let endpoints: EndpointQueries
    /// The services that take pushes of the server.
    let pushes: Set<PushKind>

    /// What can be dealt with.
    package enum Subject: Sendable {
        /// Every message that ended until now.
        case messages
        case message(MessageID)
        case webhook(EndpointID)

        fileprivate var text: String {
            switch self {
            case .messages: "messages"
            case .message(let id): "message:\(id)"
            case .webhook(let id): "webhook:\(id)"
            }
        }
    }

    /// What is counted.
    private struct Found {
        let messages: [MessageID]
        let webhooks: [(report: EndpointReport, after: Timestamp)]
        let phones: [Attention.Phone]
        let lateSince: Timestamp?

        var counts: Attention.Counts {
            Attention.Counts(
                messages: messages.count, webhooks: webhooks.count, phones: phones.count,
                late: lateSince == nil ? 0 : 1)
        }
    }

    private func find(of userID: UserID, in tx: any Transaction) throws -> Found {
        Found(
            messages: try unsent(of: userID, in: tx), webhooks: try webhooks(of: userID, in: tx),
            phones: try phones(of: userID, in: tx), lateSince: try lateSince(of: userID, in: tx))
    }

    /// All of it.
    package func attention(of userID: UserID, in tx: any Transaction) throws -> Attention {
        let found = try find(of: userID, in: tx)
        let shown = Array(found.messages.prefix(Attention.shownMessages))
        return Attention(
            counts: found.counts, messages: try MessageQueries.all(shown, of: userID, in: tx),
            webhooks: try found.webhooks.map { report, time in
                Attention.Webhook(
                    report: report, after: time,
                    issues: try DeliveryIssues.list(of: report.endpoint.id, after: time, in: tx))
            }, phones: found.phones, lateSince: found.lateSince)
    }

    /// Its figures alone.
    package func counts(of userID: UserID, in tx: any Transaction) throws -> Attention.Counts {
        try find(of: userID, in: tx).counts
    }

    /// Whether `userID` has `subject`.
    package func exists(_ subject: Subject, of userID: UserID, in tx: any Transaction) throws -> Bool {
        switch subject {
        case .messages: true
        case .message(let id): try MessageQueries.find(id, userID: userID, in: tx) != nil
        case .webhook(let id): try endpoints.find(id, userID: userID, in: tx) != nil
        }
    }

    /// Notes that somebody has dealt with `subject`.
    package static func settle(_ subject: Subject, of userID: UserID, in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO attention_done (user_id, subject, done_at)
            VALUES (\(userID), \(subject.text), \(tx.now))
            ON CONFLICT (user_id, subject) DO UPDATE SET done_at = excluded.done_at
            """)
    }

    /// Deletes at most 500 notes of what is too old to be asked about; true when there may be more. Index: `attention_done_age`.
    static func prune(in tx: any Transaction) throws -> Bool {
        try tx.run(
            """
            DELETE FROM attention_done
            WHERE (user_id, subject) IN (
                SELECT user_id, subject
                FROM attention_done
                WHERE done_at < \(tx.now - Attention.age - .seconds(86_400))
                ORDER BY done_at, user_id, subject
                LIMIT 500)
            """) == 500
    }

    /// The SMS that were not sent, of the newest 1,000 that ended so. Indexes: `message_unsent`, the primary key of
    /// `attention_done`.
    ///
    /// A phone may report late what failed long ago: what counts is when the report came.
    private func unsent(of userID: UserID, in tx: any Transaction) throws -> [MessageID] {
        let done = try done([.messages], of: userID, in: tx)[Subject.messages.text] ?? .first
        return try tx.rows(
            """
            SELECT m.id
            FROM (
                SELECT id, user_id, updated_at, order_timestamp
                FROM message
                WHERE user_id = \(userID) AND status IN ('failed', 'expired') AND planned_at IS NULL
                    AND order_timestamp > \(tx.now - Attention.age) AND source <> \(Message.importSource)
                ORDER BY order_timestamp DESC, id DESC
                LIMIT 1000) AS m
            LEFT JOIN attention_done d ON d.user_id = m.user_id AND d.subject = 'message:' || m.id
            WHERE m.updated_at > \(done) AND d.subject IS NULL
            ORDER BY m.order_timestamp DESC, m.id DESC
            """
        ).map { try $0.get("id") }
    }

    /// The webhooks, each with the time until which it was dealt with. Indexes: `endpoint_user`, `delivery_failed`.
    private func webhooks(
        of userID: UserID, in tx: any Transaction
    ) throws -> [(report: EndpointReport, after: Timestamp)] {
        let reports = try endpoints.reports(userID: userID, containing: "", skip: 0, limit: 100, in: tx)
        let done = try done(reports.map { .webhook($0.endpoint.id) }, of: userID, in: tx)
        return try reports.compactMap { report in
            let id = report.endpoint.id
            let settled = done[Subject.webhook(id).text] ?? .first
            let after = max(settled, tx.now - Attention.age)
            let isFailing = report.isFailing && report.lastFailureAt.map { $0 > settled } ?? false
            if isFailing || report.isStoppedByOthers { return (report, after) }
            return try DeliveryIssues.lastFailure(of: id, in: tx).map { $0 > after } ?? false ? (report, after) : nil
        }
    }

    /// From when on failures of a webhook are asked about: since somebody dealt with it, and not for longer than
    /// ``Attention/age``.
    package func asked(about webhook: EndpointID, of userID: UserID, in tx: any Transaction) throws -> Timestamp {
        let done = try done([.webhook(webhook)], of: userID, in: tx)
        return max(done.values.first ?? .first, tx.now - Attention.age)
    }

    /// The phones, of the newest 100. Index: `phone_number`.
    private func phones(of userID: UserID, in tx: any Transaction) throws -> [Attention.Phone] {
        let phones = try PhoneQueries.list(userID: userID, page: Page(skip: 0, limit: 100, query: ""), in: tx)
        let presences = try HeartbeatQueries.presences(of: phones.map(\.id), in: tx)
        return try phones.compactMap { phone in
            let reach = try PhoneReach(of: phone, pushes: pushes, in: tx)
            let silent = presences[phone.id].flatMap { $0.isOnline ? nil : $0.lastHeartbeatAt }
            let isUnreached = reach.kind == "problem"
            if silent == nil, !isUnreached { return nil }
            return Attention.Phone(
                id: phone.id, number: phone.phoneNumber, reach: reach, silentSince: silent, isUnreached: isUnreached)
        }
    }

    private func lateSince(of userID: UserID, in tx: any Transaction) throws -> Timestamp? {
        try DeliveryQueries.oldestDue(userID: userID, in: tx).flatMap { tx.now - $0 > Attention.patience ? $0 : nil }
    }

    private func done(
        _ subjects: [Subject], of userID: UserID, in tx: any Transaction
    ) throws -> [String: Timestamp] {
        try tx.rows(
            """
            SELECT subject, done_at
            FROM attention_done
            WHERE user_id = \(userID) AND subject IN \(list: subjects.map(\.text))
            """
        ).reduce(into: [:]) { $0[try $1.get("subject")] = try $1.get("done_at") }
    }
}

extension EndpointReport {
    /// Whether it is stopped, and not because its owner paused it.
    var isStoppedByOthers: Bool {
        endpoint.status != .active && endpoint.statusReason != Endpoint.pausedByOwner
    }
}
