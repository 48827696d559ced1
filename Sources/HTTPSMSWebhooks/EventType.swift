import JSON

/// The events that a webhook can subscribe to, in the order of the httpSMS documentation.
///
/// The raw value is the `type` of the CloudEvent and the value of the `X-Event-Type` header.
public enum EventType: String, CaseIterable, Sendable, Codable {
    /// An SMS arrived on the phone.
    case messageReceived = "message.phone.received"
    /// The phone sent an SMS.
    case messageSent = "message.phone.sent"
    /// An SMS reached the recipient's phone.
    case messageDelivered = "message.phone.delivered"
    /// The phone could not send an SMS.
    case messageFailed = "message.send.failed"
    /// The phone did not send an SMS in time.
    case messageExpired = "message.send.expired"
    /// A call on the phone was missed.
    case callMissed = "message.call.missed"
    /// The phone was not heard for one hour.
    case heartbeatOffline = "phone.heartbeat.offline"
    /// The phone was heard again after having been offline.
    case heartbeatOnline = "phone.heartbeat.online"
}

extension EventType {
    /// What there is to say of it.
    package var declaration: EventDeclaration {
        switch self {
        case .messageReceived: .messageReceived
        case .messageSent: .messageSent
        case .messageDelivered: .messageDelivered
        case .messageFailed: .messageFailed
        case .messageExpired: .messageExpired
        case .callMissed: .callMissed
        case .heartbeatOffline: .heartbeatOffline
        case .heartbeatOnline: .heartbeatOnline
        }
    }
}

/// The slot of a phone that a message went through.
public enum SIM: String, CaseIterable, Sendable, Codable {
    /// The first slot, which single-SIM phones use too.
    case sim1 = "SIM1"
    /// The second slot.
    case sim2 = "SIM2"
}

extension EventType: JSONWritable {}
extension SIM: JSONWritable {}
