import Foundation
import Synchronization
import Timestamps

/// What gammu-smsd received and what it was called by: each file stays until the server has it.
final class ModemInbox: Sendable {
    private let folder: ModemFolder
    private let clock: any WallClock
    private let say: @Sendable (String) -> Void
    /// As the files were at the last look: one that changed is being written.
    private let seen = Mutex<[String: ModemFolder.Stamp]>([:])

    init(_ folder: ModemFolder, clock: any WallClock, say: @escaping @Sendable (String) -> Void) {
        (self.folder, self.clock, self.say) = (folder, clock, say)
    }

    /// An event, and the file that it came from.
    struct Item: Sendable {
        let event: ModemEvent
        let part: ModemFolder.Part
        let name: String

        var what: String { part == .inbox ? "an SMS" : "a missed call" }
    }

    /// The first that is to be told.
    func next() -> Item? {
        for name in folder.names(in: .calls) {
            guard let number = folder.read(name, in: .calls), let stamp = folder.stamp(of: name, in: .calls) else {
                continue
            }
            let caller = String(decoding: number, as: UTF8.self)
            return Item(
                event: ModemEvent(id: name, kind: .missedCall(from: caller, at: stamp.changedAt)), part: .calls,
                name: name)
        }
        let seen = seen.withLock { $0 }
        for name in folder.names(in: .inbox) {
            guard let stamp = folder.stamp(of: name, in: .inbox), seen[name] == stamp, let sms = read(name),
                sms.report == nil
            else { continue }
            // gammu-smsd waits ten minutes for missing parts and then writes what it has.
            guard sms.isComplete || clock.now() - stamp.changedAt > .seconds(10) else { continue }
            return Item(
                event: ModemEvent(id: sms.id, kind: .received(sms, at: stamp.changedAt)), part: .inbox, name: name)
        }
        return nil
    }

    func remove(_ item: Item) throws {
        try folder.remove(item.name, from: item.part)
    }

    /// Hands over each delivery report; one that nobody knows is kept for a minute.
    func takeReports(_ take: (SMSBackup) async throws -> Bool) async throws {
        let names = folder.names(in: .inbox)
        let ready = seen.withLock { seen in
            let now = Dictionary(names.map { ($0, folder.stamp(of: $0, in: .inbox)) }) { first, _ in first }
                .compactMapValues(\.self)
            let ready = now.filter { seen[$0.key] == $0.value }
            seen = now
            return ready
        }
        for (name, stamp) in ready.sorted(by: { $0.key < $1.key }) {
            let age = clock.now() - stamp.changedAt
            guard let report = read(name) else {
                if age > .seconds(60) {
                    _ = try folder.move(name, from: .inbox, to: .unreadable)
                    say("inbox/\(name.prefix(18)) cannot be read; it is in unreadable/ now")
                }
                continue
            }
            guard report.report != nil else { continue }
            if try await take(report) || age > .seconds(60) { try folder.remove(name, from: .inbox) }
        }
    }

    private func read(_ name: String) -> SMSBackup? {
        folder.read(name, in: .inbox).flatMap { SMSBackup(String(decoding: $0, as: UTF8.self)) }
    }
}
