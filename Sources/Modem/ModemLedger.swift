import Foundation
import Timestamps

/// What is known of each SMS that the server gave to the modem, on the disk before anything follows from it.
///
/// gammu-smsd holds one SMS at a time. So each is in a known place whenever one of the two ends: `outbox` is looked at before
/// the folders that gammu-smsd moves it to, and what is in none of them was never handed over.
package actor ModemLedger {
    private let folder: ModemFolder
    private let clock: any WallClock
    private let say: @Sendable (String) -> Void
    private var messages: [String: ModemMessage] = [:]
    /// What is not sent yet.
    private var unsent: Set<String> = []
    private var lastSequence = 0
    /// What is to be reported.
    private var news: Set<String> = []
    private var prunedAt: Timestamp?
    /// Whether people were told that no more are taken.
    private var isFullTold = false
    /// Since when gammu-smsd has left the same file alone.
    private var left: (name: String, since: Timestamp, isTold: Bool)?

    /// Reads what the folder holds.
    ///
    /// - Parameters:
    ///   - folder: With all of its parts.
    ///   - clock: Decides what is too late.
    ///   - say: Takes each line for people, without its end.
    package init(
        _ folder: ModemFolder, clock: any WallClock = SystemClock(), say: @escaping @Sendable (String) -> Void
    ) {
        (self.folder, self.clock, self.say) = (folder, clock, say)
        for name in folder.names(in: .messages) {
            guard let bytes = folder.read(name, in: .messages),
                let message = try? JSONDecoder().decode(ModemMessage.self, from: Data(bytes))
            else {
                say("messages/\(name) cannot be read and is left alone")
                continue
            }
            messages[message.id] = message
            if message.isUnsent { unsent.insert(message.id) }
            if message.revision > message.reportedRevision { news.insert(message.id) }
            lastSequence = max(lastSequence, message.sequence)
        }
    }

    /// The most messages that are remembered; beyond, new ones are left with the server.
    private static let most = 50_000

    // MARK: With the server

    /// Takes what the server offers: what is new is kept, what is known is reported once more.
    ///
    /// - Throws: When the disk does not take it; the server offers it again.
    func accept(_ offers: [ModemOffer]) throws {
        for offer in offers where offer.isSafe {
            if let known = messages[offer.id] {
                var again = known
                again.reportedRevision = -1
                try keep(again)
                continue
            }
            guard messages.count < Self.most else {
                if !isFullTold { say("\(Self.most) messages are remembered: new ones wait with the server") }
                isFullTold = true
                continue
            }
            isFullTold = false
            lastSequence = lastSequence.clampedAdding(1)
            var message = ModemMessage(
                id: offer.id, to: ModemMessage.number(offer.to) ?? "", text: offer.text, validUntil: offer.validUntil,
                sequence: lastSequence)
            message.become(.pending, at: clock.now())
            if offer.validUntil <= clock.now() {
                message.become(.failed, at: clock.now(), error: Self.tooLate)
            } else if message.to.isEmpty {
                message.become(.failed, at: clock.now(), error: "The modem can write to phone numbers only.")
            } else if offer.text.utf16.count > Self.longest {
                message.become(.failed, at: clock.now(), error: "The text is too long for an SMS.")
            }
            try keep(message)
        }
    }

    /// As the app says it, which the server knows.
    private static let tooLate = "TTL expired"

    /// gammu cuts a text into 50 parts at most; each has 67 characters at least.
    private static let longest = 50 * 67

    /// Gives up what was not handed to gammu-smsd yet.
    func cancel(_ id: String) throws {
        guard var message = messages[id], message.state == .pending else { return }
        message.become(.cancelled, at: clock.now())
        try keep(message)
    }

    /// What changed since the server was told, the first that came first.
    func unreported(limit: Int) -> [ModemMessage] {
        news.compactMap { messages[$0] }.sorted { $0.sequence < $1.sequence }.prefix(limit).map { $0 }
    }

    /// The server knows these states.
    func reported(_ told: [ModemMessage]) throws {
        for report in told {
            guard var message = messages[report.id] else { continue }
            message.reportedRevision = max(message.reportedRevision, report.revision)
            try keep(message)
        }
    }

    private func keep(_ message: ModemMessage) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try folder.write(Array(encoder.encode(message)), as: message.id + ".json", in: .messages)
        messages[message.id] = message
        if message.isUnsent { unsent.insert(message.id) } else { unsent.remove(message.id) }
        if message.revision > message.reportedRevision { news.insert(message.id) } else { news.remove(message.id) }
    }

    // MARK: With gammu-smsd

    /// Sees what became of the SMS that gammu-smsd has, and hands over the next one.
    ///
    /// - Throws: When the disk does not take it; the next call goes on.
    func settle() throws {
        // There is one; two would be the work of somebody else, and each is looked at.
        for message in waiting(in: .processed) { try settle(message) }
        if waiting(in: .processed).isEmpty { try handOverNext() }
        try prune()
    }

    /// First come first.
    private func waiting(in state: ModemMessage.State) -> [ModemMessage] {
        unsent.compactMap { messages[$0] }.filter { $0.state == state }.sorted { $0.sequence < $1.sequence }
    }

    private func settle(_ message: ModemMessage) throws {
        var message = message
        let name = message.fileName
        let now = clock.now()
        if folder.has(name, in: .outbox) { return try wait(for: message) }
        left = nil
        if folder.has(name, in: .sent) {
            try end(&message, .sent, in: .sent, trace: trace(of: name))
        } else if folder.has(name, in: .error) {
            let trace = trace(of: name)
            if trace.isTransmitted { return try end(&message, .sent, in: .error, trace: trace) }
            let part = trace.references.count
            let reason =
                part == 0
                ? "The modem did not send it; the log of gammu-smsd says why."
                : "The modem sent \(part) of its parts only; the log of gammu-smsd says why."
            let code = trace.refusal.map { "CMS ERROR \($0): " } ?? ""
            try end(&message, .failed, in: .error, error: code + reason)
        } else if folder.has(name, in: .unsure) {
            try end(&message, .failed, in: .unsure, error: Self.unsure)
        } else if folder.has(name, in: .withdrawn) {
            try settleWithdrawn(&message, at: now)
        } else {
            try folder.write(message.file, as: name, in: .outbox)
        }
    }

    private static let unsure = "gammu-smsd ended while it sent this SMS: it may have been sent."

    private func trace(of name: String) -> SMSDLog.Trace { SMSDLog(of: folder)?.trace(of: name) ?? .init() }

    /// Notes what became of a message, and deletes its file after that.
    private func end(
        _ message: inout ModemMessage, _ state: ModemMessage.State, in part: ModemFolder.Part, error: String? = nil,
        trace: SMSDLog.Trace = .init()
    ) throws {
        let name = message.fileName
        message.references = trace.references
        message.become(state, at: clock.now(), error: error)
        try keep(message)
        try folder.remove(name, from: part)
        say("\(state == .sent ? "sent" : "failed")  message \(message.id)")
    }

    /// Takes back what is too late. What was begun gets two minutes more: it may be on its way.
    private func wait(for message: ModemMessage) throws {
        let (name, now) = (message.fileName, clock.now())
        if left?.name != name { left = (name, now, false) }
        if let since = left?.since, left?.isTold == false, now - since > .seconds(60) {
            left?.isTold = true
            say("gammu-smsd has not sent message \(message.id) for a minute: does it run, and does its log tell why?")
        }
        guard now > message.validUntil else { return }
        if trace(of: name).isBegun, now <= message.validUntil + .seconds(120) { return }
        var withdrawn = message
        withdrawn.withdrawnAt = now
        try keep(withdrawn)
        _ = try folder.move(name, from: .outbox, to: .withdrawn)
    }

    /// gammu-smsd may have opened the file just before it was taken back; by its log, that shows within seconds.
    private func settleWithdrawn(_ message: inout ModemMessage, at now: Timestamp) throws {
        let trace = trace(of: message.fileName)
        let age = now - (message.withdrawnAt ?? now)
        if trace.isTransmitted {
            try end(&message, .sent, in: .withdrawn, trace: trace)
        } else if trace.isBegun {
            if age > .seconds(60) { try end(&message, .failed, in: .withdrawn, error: Self.unsure) }
        } else if age > .seconds(5) {
            try end(&message, .failed, in: .withdrawn, error: Self.tooLate)
        }
    }

    private func handOverNext() throws {
        for message in waiting(in: .pending) {
            var message = message
            guard message.validUntil > clock.now() else {
                message.become(.failed, at: clock.now(), error: Self.tooLate)
                try keep(message)
                continue
            }
            message.become(.processed, at: clock.now())
            try keep(message)
            try folder.write(message.file, as: message.fileName, in: .outbox)
            return
        }
    }

    /// Takes a delivery report of one part; false when no SMS is known that it can be of.
    ///
    /// The network counts parts from 0 to 255, so the newest one with the number is meant.
    func delivered(_ report: SMSBackup) throws -> Bool {
        let text = report.text.lowercased()
        // "Pending" and "Unknown" are no verdict.
        guard let reference = report.report, ["delivered", "failed"].contains(text) else { return true }
        let found = messages.values.filter { $0.references.contains(reference) && $0.isTo(report.number) }
            .max { $0.sequence < $1.sequence }
        guard var message = found else { return false }
        if let index = message.references.firstIndex(of: reference) { message.references.remove(at: index) }
        if message.state == .sent, text == "failed" {
            message.become(.failed, at: clock.now(), error: "The network did not deliver it.")
        } else if message.state == .sent, message.references.isEmpty {
            message.become(.delivered, at: clock.now())
        }
        try keep(message)
        return true
    }

    /// Forgets what was over a week ago and is reported, a day ago when the ledger is half full, and what was over a month ago:
    /// the server offers nothing again so late.
    private func prune() throws {
        let now = clock.now()
        if let prunedAt, now - prunedAt < .seconds(3_600), now >= prunedAt { return }
        prunedAt = now
        for message in messages.values where !message.isUnsent {
            let last = message.times.values.reduce(message.validUntil, max)
            // A busy modem would fill the ledger within a week.
            let kept: Duration = messages.count > Self.most / 2 ? .seconds(86_400) : .seconds(7 * 86_400)
            let age: Duration = message.reportedRevision >= message.revision ? kept : .seconds(30 * 86_400)
            guard last + age < now else { continue }
            try folder.remove(message.id + ".json", from: .messages)
            messages[message.id] = nil
            news.remove(message.id)
        }
    }
}
