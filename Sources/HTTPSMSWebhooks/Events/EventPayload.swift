import JSON

/// What happened: the `type` and the `data` of an event in one value.
public enum EventPayload: Sendable, Hashable {
    /// An SMS arrived on the phone.
    case messageReceived(MessageReceived)
    /// The phone sent an SMS.
    case messageSent(MessageSent)
    /// An SMS reached the recipient's phone.
    case messageDelivered(MessageDelivered)
    /// The phone could not send an SMS.
    case messageFailed(MessageFailed)
    /// The phone did not send an SMS in time.
    case messageExpired(MessageExpired)
    /// A call on the phone was missed.
    case callMissed(MissedCall)
    /// The phone was not heard for one hour.
    case heartbeatOffline(PhoneHeartbeat)
    /// The phone was heard again after having been offline.
    case heartbeatOnline(PhoneHeartbeat)
    /// An event of a type that this version does not know, with its data as the JSON that arrived; empty for no data.
    case unknown(type: String, data: [UInt8])

    /// The `type` of the event, also the value of the `X-Event-Type` header.
    public var type: String {
        switch self {
        case .messageReceived: EventType.messageReceived.rawValue
        case .messageSent: EventType.messageSent.rawValue
        case .messageDelivered: EventType.messageDelivered.rawValue
        case .messageFailed: EventType.messageFailed.rawValue
        case .messageExpired: EventType.messageExpired.rawValue
        case .callMissed: EventType.callMissed.rawValue
        case .heartbeatOffline: EventType.heartbeatOffline.rawValue
        case .heartbeatOnline: EventType.heartbeatOnline.rawValue
        case .unknown(let type, _): type
        }
    }

    /// The number of the phone that the event is about, which webhooks are selected by; nil for an unknown type.
    public var owner: String? {
        switch self {
        case .messageReceived(let data): data.owner
        case .messageSent(let data): data.owner
        case .messageDelivered(let data): data.owner
        case .messageFailed(let data): data.owner
        case .messageExpired(let data): data.owner
        case .callMissed(let data): data.owner
        case .heartbeatOffline(let data), .heartbeatOnline(let data): data.owner
        case .unknown: nil
        }
    }
}

/// Written is the data alone, without the envelope.
extension EventPayload: JSONWritable {
    package func write(to json: inout JSONWriter) {
        switch self {
        case .messageReceived(let data): data.write(to: &json)
        case .messageSent(let data): data.write(to: &json)
        case .messageDelivered(let data): data.write(to: &json)
        case .messageFailed(let data): data.write(to: &json)
        case .messageExpired(let data): data.write(to: &json)
        case .callMissed(let data): data.write(to: &json)
        case .heartbeatOffline(let data), .heartbeatOnline(let data): data.write(to: &json)
        case .unknown(_, let data): json.raw(data)
        }
    }
}
