import Gateway
import Timestamps

/// A step of a message on its way, with its time.
struct MessageStep: Sendable {
    let name: String
    let time: String
    let note: String?
    /// `ended` well, `broken`, or `plain`; also told by the words.
    let kind: String

    private init(_ name: String, _ time: Timestamp, _ note: String? = nil, kind: String = "plain") {
        self.name = name
        self.time = PageTime.exact(time)
        self.note = note
        self.kind = kind
    }

    /// What is known of the way of `message`, the first step first.
    ///
    /// Of steps that are taken once an attempt, the last is known; of `pushes`, all are.
    static func all(of message: Message, pushes: [PushQueries.Outcome]) -> [MessageStep] {
        let steps = message.type == .mobileTerminated ? outgoing(message, pushes) : incoming(message)
        // Phones have clocks of their own: steps of the same time stay in the order in which they are taken.
        return steps.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element.step)
    }

    private typealias Timed = (at: Timestamp, step: MessageStep)

    private static func incoming(_ message: Message) -> [Timed] {
        let received = message.requestReceivedAt
        let name = message.type == .missedCall ? "Call missed" : "Received by the phone"
        let note = message.disbelievedTime.map(clockNote) ?? "by the phone's clock"
        return [
            (received, MessageStep(name, received, note)),
            (message.createdAt, MessageStep("Stored here", message.createdAt, message.failureReason, kind: "ended")),
        ]
    }

    private static func outgoing(_ message: Message, _ pushes: [PushQueries.Outcome]) -> [Timed] {
        var steps: [Timed] = [(message.createdAt, MessageStep("Queued", message.createdAt))]
        func add(_ name: String, _ time: Timestamp?, _ note: String? = nil, kind: String = "plain") {
            if let time { steps.append((time, MessageStep(name, time, note, kind: kind))) }
        }
        let count = message.sendAttemptCount
        add(
            "Handed out to the phone", message.scheduledAt,
            "attempt \(count) of \(max(count, message.maxSendAttempts))")
        for push in pushes {
            switch push.state {
            case .sent:
                add("Pushed to the phone", push.completedAt, "attempt \(push.attempt), taken by the push service")
            case .failed:
                add("Push failed", push.completedAt, push.lastError ?? "attempt \(push.attempt)", kind: "broken")
            case .waiting where push.lastError != nil:
                add("Push tried again", push.dueAt, push.lastError, kind: "broken")
            case .cancelled where push.lastError != nil:
                add("Push given up", push.completedAt, push.lastError, kind: "broken")
            case .waiting, .cancelled: break
            }
        }
        add("Fetched by the phone", message.lastAttemptedAt)
        add("Sent", message.sentAt, message.sendTime.map { "after \(seconds($0))" }, kind: "ended")
        add("Delivered", message.deliveredAt, kind: "ended")
        let isTried = message.plannedAt != nil
        add(
            "Expired", message.expiredAt, isTried ? "it is tried again" : "the phone did not say that it was sent",
            kind: "broken")
        add("Failed", message.failedAt, message.failureReason, kind: "broken")
        add(count == 0 ? "Will be sent" : "Next attempt", message.plannedAt)
        if let told = message.disbelievedTime { add("Reported by the phone", message.updatedAt, clockNote(told)) }
        if message.plannedAt == nil { add("Expires unless the phone reports", message.expiresAt) }
        return steps
    }

    private static func clockNote(_ told: String) -> String {
        "the phone's clock said \(told), which cannot be: the server's time is used"
    }

    /// `4.2 s`
    private static func seconds(_ time: Duration) -> String {
        let tenths = max(0, time.microseconds / 100_000)
        return "\(tenths / 10).\(tenths % 10) s"
    }
}
