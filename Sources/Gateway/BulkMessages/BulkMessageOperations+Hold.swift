import Delivery
import Storage
import Timestamps

/// What can be done with an upload that is on its way.
extension BulkMessageOperations {
    /// Holds what was not handed out yet; false when `userID` has no such upload.
    package func pause(_ requestID: String, userID: UserID) async throws -> Bool {
        try await store.write(.user(userID)) { tx in
            guard try BulkMessageQueries.mark(requestID, isPaused: true, userID: userID, in: tx) else { return false }
            _ = try BulkMessageQueries.phones(of: requestID, userID: userID, in: tx)
            try BulkMessageQueries.hold(requestID, userID: userID, in: tx)
            return true
        }
    }

    /// Lets what is held go on: at the end of the queue of its phone, or at its own time, now where that is over. False when
    /// `userID` has no such upload.
    package func resume(_ requestID: String, userID: UserID) async throws -> Bool {
        try await store.write(.user(userID)) { tx in
            try Self.release(requestID, userID: userID, in: tx)
        }
    }

    /// One transaction of the sweep that begins what nobody took back.
    static func start(in tx: any Transaction) throws -> Sweep.Outcome {
        let upload = try BulkMessageQueries.starting(in: tx)
        if let upload { _ = try release(upload.requestID, userID: upload.userID, in: tx) }
        return Sweep.Outcome(mayHaveMore: upload != nil, nextDue: try BulkMessageQueries.nextStart(in: tx))
    }

    private static func release(_ requestID: String, userID: UserID, in tx: any Transaction) throws -> Bool {
        guard try BulkMessageQueries.mark(requestID, isPaused: false, userID: userID, in: tx) else { return false }
        let phones = try BulkMessageQueries.phones(of: requestID, userID: userID, in: tx)
        for (number, phone) in phones {
            let held = try BulkMessageQueries.held(of: requestID, owner: number, userID: userID, in: tx)
            // What has no phone any more is due, and fails with that reason.
            let queued = phone == nil ? [] : held.filter(\.isPaced)
            for message in held where phone == nil || !message.isPaced {
                let time = max(message.scheduledSendTime ?? tx.now, tx.now)
                try BulkMessageQueries.release(message.id, at: time, in: tx)
            }
            if let phone { try MessagePlanner.queue(queued, from: phone, in: tx) }
        }
        tx.wake(.messages)
        return true
    }

    /// Cancels what was not handed out yet: it is deleted, and counted. Nil when `userID` has no such upload.
    package func cancel(_ requestID: String, userID: UserID) async throws -> Int? {
        // Held first, so that nothing goes out meanwhile.
        guard try await pause(requestID, userID: userID) else { return nil }
        var cancelled = 0
        while true {
            let count = try await store.write(.user(userID)) { tx in
                // It is locked before its messages, as by whoever lets it go on, and held again if somebody did.
                _ = try BulkMessageQueries.mark(requestID, isPaused: true, userID: userID, in: tx)
                let messages = try BulkMessageQueries.waiting(
                    of: requestID, limit: Self.portion, userID: userID, in: tx)
                for message in messages { try MessageOperations.erase(message, in: tx) }
                if messages.isEmpty {
                    _ = try BulkMessageQueries.mark(requestID, isPaused: false, userID: userID, in: tx)
                }
                try BulkMessageQueries.count(cancelled: messages.count, of: requestID, userID: userID, in: tx)
                return messages.count
            }
            cancelled += count
            if count == 0 { return cancelled }
        }
    }

    /// When the last message of a file would go out, were it sent from a page now; nil when that is not known.
    package func estimate(_ upload: BulkUpload, userID: UserID) async throws -> Timestamp? {
        let now = clock.now()
        let items = Dictionary(grouping: upload.items.filter { $0.sendAt == nil }, by: \.from)
        let last = try await store.read(.user(userID)) { tx in
            try items.compactMap { number, items in
                try PhoneQueries.look(number: number, userID: userID, in: tx).flatMap {
                    try MessagePlanner.end(of: items.count, from: $0, in: tx)
                }
            }
        }
        let queued = last.map { $0 + Self.timeToUndo }
        return (queued + upload.items.compactMap { $0.sendAt.map { max($0, now) } }).max()
    }

    /// The last upload of the same messages; nil when there was none.
    package func earlier(_ upload: BulkUpload, userID: UserID) async throws -> BulkMessage? {
        let digest = upload.digest
        return try await store.read(.user(userID)) { tx in
            try BulkMessageQueries.find(digest: digest, userID: userID, in: tx)
        }
    }

    /// For so long a file that was sent from a page can be taken back as a whole.
    static let timeToUndo: Duration = .seconds(10)
    /// Messages in one transaction.
    private static let portion = 200
}
