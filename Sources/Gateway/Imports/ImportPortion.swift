import Secrets
import Storage
import Timestamps
import Wire

/// What one transaction imports, as far as the store knows it already.
struct ImportPortion: Sendable {
    private struct Change: Sendable {
        let message: Message
        let known: ImportQueries.Known
    }

    /// What each message comes to, in their order.
    private(set) var found: [ImportedMessage] = []
    private var new: [(message: Message, digest: [UInt8])] = []
    private var changes: [Change] = []

    /// Whether anything is to be written.
    var hasWork: Bool { !new.isEmpty || !changes.isEmpty }

    /// Looks the messages up.
    ///
    /// - Throws: `StorageError`.
    init(_ messages: [OldMessage], userID: UserID, in tx: any Transaction) throws {
        let ids = messages.compactMap { MessageID($0.id) }
        let digests = ids.map { Self.digest(of: $0, userID: userID) }
        let imported = try ImportQueries.imported(digests, in: tx)
        let known = try ImportQueries.known(Array(Set(ids + imported.values)), in: tx)
        var seen: Set<MessageID> = []
        for message in messages {
            // Two ids that differ in case only are one.
            if let id = MessageID(message.id), !seen.insert(id).inserted { continue }
            let fate = look(at: message, imported, known, userID: userID, now: tx.now)
            found.append(ImportedMessage(message, fate))
        }
    }

    private mutating func look(
        at message: OldMessage, _ imported: [[UInt8]: MessageID], _ known: [MessageID: ImportQueries.Known],
        userID: UserID, now: Timestamp
    ) -> ImportedMessage.Fate {
        guard let id = MessageID(message.id) else { return .unusable("it has no id") }
        let digest = Self.digest(of: id, userID: userID)
        let earlier = imported[digest]
        let there = known[earlier ?? id].flatMap { $0.userID == userID ? $0 : nil }
        if earlier != nil, there == nil { return .deleted }
        let own: Message
        switch message.history(as: earlier, of: userID, at: now) {
        case .waits: return there == nil ? .waits : .known
        case .unusable(let reason): return .unusable(reason)
        case .over(let message): own = message
        }
        if let there, earlier != nil || there.isSame(as: own) {
            let isBehind =
                there.source == Message.importSource && there.status != own.status && there.updatedAt < own.updatedAt
            if isBehind { changes.append(Change(message: own, known: there)) }
            return isBehind ? .changed : .known
        }
        guard known[id] != nil else {
            new.append((own, digest))
            return .new
        }
        // The id is that of something else, such as of another account with the same history.
        guard case .over(let other) = message.history(as: Self.id(from: digest), of: userID, at: now) else {
            return .waits
        }
        new.append((other, digest))
        return .new
    }

    /// Stores what is new or got further, and has its conversations show it. Those that were not there get the marks of `threads`.
    ///
    /// - Throws: `StorageError`.
    func keep(_ threads: [Parties: OldThread], userID: UserID, in tx: any Transaction) throws {
        let last = Self.last(of: new.map(\.message))
        let absent = try last.filter { parties, _ in
            try MessageThreadQueries.find(
                owner: parties.owner, contact: parties.contact, userID: userID, in: tx) == nil
        }
        try ImportQueries.insert(new, in: tx)
        var shown = last
        for change in changes where try ImportQueries.update(change.message, from: change.known, in: tx) {
            shown[Parties(of: change.message), default: []].append(change.message)
        }
        // In one order, as two imports may meet.
        for (parties, messages) in shown.sorted(by: { $0.key < $1.key }) {
            for message in messages { try MessageThreadQueries.follow(message, isNew: false, in: tx) }
            guard absent[parties] != nil, let thread = threads[parties], let first = messages.first else { continue }
            let created = thread.createdAt?.believed(at: tx.now) ?? first.createdAt
            try ImportQueries.mark(parties, as: thread, createdAt: created, userID: userID, in: tx)
        }
    }

    /// Of each conversation the last message that came or went, and behind it the last of all: what it shows.
    private static func last(of messages: [Message]) -> [Parties: [Message]] {
        func isBefore(_ one: Message, _ other: Message) -> Bool {
            (one.orderTimestamp, one.id) < (other.orderTimestamp, other.id)
        }
        return Dictionary(grouping: messages) { Parties(of: $0) }.mapValues { messages in
            let all = messages.max(by: isBefore)
            let recent = messages.filter(\.isRecent).max(by: isBefore)
            return (recent?.id == all?.id ? [all] : [recent, all]).compactMap(\.self)
        }
    }

    /// What tells a message of another server from all others, whatever becomes of it here.
    private static func digest(of id: MessageID, userID: UserID) -> [UInt8] {
        SHA256Digest.bytes(parts: ["import", userID.text, id.text])
    }

    /// An id that follows from a digest: a UUID of version 8 (RFC 9562 section 5.8).
    private static func id(from digest: [UInt8]) -> MessageID {
        let digits = Array(digest.prefix(16)).hexadecimal
        func part(_ start: Int, _ count: Int) -> String { String(digits.dropFirst(start).prefix(count)) }
        return MessageID(
            trusted: [part(0, 8), part(8, 4), "8" + part(13, 3), "8" + part(17, 3), part(20, 12)].joined(
                separator: "-"))
    }
}

extension ImportQueries.Known {
    /// Whether it is, by all that never changes, the message of the same id.
    fileprivate func isSame(as message: Message) -> Bool {
        owner == message.owner && contact == message.contact && type == message.type
    }
}

extension Parties: Comparable {
    /// Those of a message that is stored here.
    fileprivate init(of message: Message) {
        (owner, contact) = (message.owner, message.contact)
    }

    package static func < (left: Parties, right: Parties) -> Bool {
        (left.owner, left.contact) < (right.owner, right.contact)
    }
}
