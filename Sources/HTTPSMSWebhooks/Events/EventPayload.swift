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
        case .unknown(let type, _): type
        default: known?.type.rawValue ?? ""
        }
    }

    /// The number of the phone that the event is about, which webhooks are selected by; nil for an unknown type.
    public var owner: String? { known?.data.owner }

    /// What it says of a message; nil when it is about a phone, or of an unknown type.
    var message: MessageFacts? { known?.data.message }

    /// What happened, in one line for people; nil for an unknown type.
    package var title: String? { known.map { $0.data.title(of: $0.type) } }

    /// The type and the data of an event of a type that this version knows.
    private var known: (type: EventType, data: any EventData)? {
        switch self {
        case .messageReceived(let data): (.messageReceived, data)
        case .messageSent(let data): (.messageSent, data)
        case .messageDelivered(let data): (.messageDelivered, data)
        case .messageFailed(let data): (.messageFailed, data)
        case .messageExpired(let data): (.messageExpired, data)
        case .callMissed(let data): (.callMissed, data)
        case .heartbeatOffline(let data): (.heartbeatOffline, data)
        case .heartbeatOnline(let data): (.heartbeatOnline, data)
        case .unknown: nil
        }
    }
}

/// Written is the data alone, without the envelope.
extension EventPayload: JSONWritable {
    package func write(to json: inout JSONWriter) {
        if case .unknown(_, let data) = self { json.raw(data) } else { known?.data.write(to: &json) }
    }
}
