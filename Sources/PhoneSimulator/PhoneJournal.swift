import Synchronization
import Timestamps
import Wire

/// What the simulated phone tells of itself: a line for each thing done, and the sums at the end.
package final class PhoneJournal: Sendable {
    /// What is counted.
    enum Item: String, Sendable {
        case pushes = "pushes"
        case streams = "streams"
        case pulls = "pulls"
        case fetched = "fetched"
        case sent = "sent"
        case delivered = "delivered"
        case failed = "failed"
        case received = "SMS received"
        case missedCalls = "missed calls"
        case heartbeats = "heartbeats"
        case retries = "sent again"
        case losses = "refused or lost"

        /// Those of the httpSMS app, in order.
        static let ofHTTPSMS = [
            Item.pushes, .fetched, .sent, .delivered, .failed, .received, .missedCalls, .heartbeats, .retries, .losses,
        ]

        /// Those of the SMSGate app, in order: it hears of no missed calls, and fetches when it is told to.
        static let ofSMSGate = [
            Item.streams, .pulls, .fetched, .sent, .delivered, .failed, .received, .heartbeats, .retries, .losses,
        ]
    }

    private let counts = Mutex<[Item: Int]>([:])
    private let say: @Sendable (String) -> Void
    private let clock: any WallClock

    /// - Parameters:
    ///   - clock: What the lines begin with.
    ///   - say: Takes each line, without its end.
    package init(clock: any WallClock = SystemClock(), say: @escaping @Sendable (String) -> Void) {
        self.clock = clock
        self.say = say
    }

    /// Writes a line and counts it.
    func count(_ item: Item, _ what: String, _ details: String = "") {
        counts.withLock { $0[item, default: 0] += 1 }
        note(what, details)
    }

    /// Writes a line.
    func note(_ what: String, _ details: String = "") {
        // `2026-07-22T10:15:29.814000000Z`: from the hour to the millisecond.
        let time = PhoneAPI.text(clock.now()).dropFirst(11).prefix(12)
        say("\(time)  \(details.isEmpty ? what : what.padding(to: Self.width) + details)")
    }

    /// How often something happened.
    func number(of item: Item) -> Int { counts.withLock { $0[item] ?? 0 } }

    /// Sums in one line.
    func summary(of items: [Item]) -> String {
        let counts = counts.withLock { $0 }
        return items.map { "\(counts[$0] ?? 0) \($0.rawValue)" }.joined(separator: ", ")
    }

    /// A number as it may be shown: `+18*******99`.
    static func masked(_ number: String) -> String {
        guard number.count > 6 else { return String(repeating: "*", count: number.count) }
        return number.prefix(3) + String(repeating: "*", count: number.count - 5) + number.suffix(2)
    }

    /// As wide as the longest word in front.
    private static let width = 14
}
