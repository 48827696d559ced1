import Delivery
import Storage
import Timestamps

/// A message that a device was given, until its report ends that.
///
/// | state | the device |
/// |---|---|
/// | held | has it and did not say that it was sent: it is offered again at each pull, as an answer may be cut off |
/// | sent | said that it was sent; a delivery report may follow |
/// | cancelled | may have it though it was deleted: it is told so each time that it opens a stream |
///
/// A report that is delivered is delivered once; one that is not is given up by the app after 2.8 hours. A device that comes
/// back after an hour of silence is therefore asked: it is offered the message with an end in the past. It reports what it
/// knows, and fails what it does not know without sending it.
struct DeviceOffer: Sendable {
    let message: Message
    let validUntil: Timestamp

    enum State: String, Sendable, SQLEnum {
        case held, sent, cancelled
    }

    /// How long a device must have been silent to be asked.
    static let silence: Duration = .seconds(3_600)
    /// Between two questions: the answer to one may be cut off, which nothing tells.
    static let questionInterval: Duration = .seconds(60)
    static let mostQuestions = 10
    /// What was offered earlier than that before the silence is not asked for: without a delivery report it stays as it is.
    static let questionSpan: Duration = .seconds(86_400)
    /// In one answer.
    static let most = 100
}
