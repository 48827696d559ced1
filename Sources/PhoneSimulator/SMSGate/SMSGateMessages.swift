import Timestamps

/// What the phone was given to send: the app's tables of messages, recipients and states.
package struct SMSGateMessages: Sendable {
    /// Of a message, as the app writes it.
    package enum State: String, Sendable {
        case pending = "Pending"
        case processed = "Processed"
        case sent = "Sent"
        case delivered = "Delivered"
        case failed = "Failed"
        case cancelled = "Cancelled"
    }

    /// An SMS as it goes to the radio.
    package struct Outgoing: Hashable, Sendable {
        /// The server's.
        package let id: String
        /// Digits, `+`, `*` and `#` only.
        package let to: String
        /// Its text.
        package let text: String
        /// From 1; nil for the phone's default.
        package let sim: Int?
        /// Whether a delivery report is asked for.
        package let wantsReport: Bool
    }

    /// One message, with the one recipient that our server gives it.
    package struct Message: Sendable {
        /// The server's.
        package let id: String
        /// The recipient, as the server wrote it.
        package let to: String
        /// Its text.
        package let text: String
        /// From 1; nil for the phone's default.
        package let sim: Int?
        /// Whether a delivery report is asked for.
        package let wantsReport: Bool
        /// Until when it may be sent, by the phone's clock, as the app read it; nil for no end.
        package let validUntil: Timestamp?
        let createdAt: Timestamp
        let priority: Int
        /// Of the recipient, which is the message's.
        package internal(set) var state = State.pending
        /// Why it failed, or what a delivery report says; nil for nothing.
        package internal(set) var error: String?
        /// When each state came first, by the phone's clock, in the order in which they came.
        package internal(set) var states: [Seen]

        /// When a state came.
        package struct Seen: Hashable, Sendable {
            /// Which.
            package let state: State
            /// When it came first.
            package let time: Timestamp
        }

        /// Only `Failed` sticks; any other state can follow any other, backwards too (MessagesDao.kt:133,174).
        mutating func become(_ next: State, error: String? = nil, at time: Timestamp) {
            guard state != .failed else { return }
            (state, self.error) = (next, error)
            if !states.contains(where: { $0.state == next }) { states.append(Seen(state: next, time: time)) }
        }

        /// Android's word on the part that counts (MessagesService.kt:206-214).
        mutating func sent(error: String?, at time: Timestamp) {
            guard let error else { return become(.sent, at: time) }
            become(.failed, error: "Send result: \(error)", at: time)
        }

        /// A delivery report: one with a status above zero that is not a failure comes with a text (:216-228).
        mutating func delivered(status: Int?, at time: Timestamp) {
            become(.delivered, error: status.map { "Delivery result from SC +491710760000: \($0)" }, at: time)
        }
    }

    /// By id; an id is known until the phone is reset.
    package internal(set) var known: [String: Message] = [:]
    /// Those that are `Pending`.
    private var waiting: [String] = []
    /// Until the pause between two SMS is over.
    private var pausedUntil: Timestamp?

    mutating func add(_ message: Message) {
        known[message.id] = message
        waiting.append(message.id)
    }

    /// The next one to be sent: the highest priority, then the newest, or the oldest for FIFO.
    mutating func next(_ order: SMSGateSettings.Order, pause: Duration, at now: Timestamp) -> Message? {
        waiting.removeAll { known[$0]?.state != .pending }
        if let pausedUntil, pausedUntil > now { return nil }
        let ranked = waiting.compactMap { known[$0] }.enumerated().max { one, other in
            let (left, right) = (one.element, other.element)
            if left.priority != right.priority { return left.priority < right.priority }
            if left.createdAt != right.createdAt { return (left.createdAt < right.createdAt) == (order == .lifo) }
            return one.offset > other.offset
        }
        guard let message = ranked?.element else { return nil }
        pausedUntil = pause > .zero ? now + pause : nil
        return message
    }

    /// When the pause ends that something waits for.
    var nextDue: Timestamp? { waiting.isEmpty ? nil : pausedUntil }
}
