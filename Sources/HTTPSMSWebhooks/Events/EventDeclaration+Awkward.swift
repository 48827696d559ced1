extension EventDeclaration {
    /// The sample with what an SMS and its sender may hold at worst.
    package var awkward: CloudEvent {
        var event = sample
        let text = "\"quotes\" \\ <b>&amp;</b>\n\t{{braces}} @everyone <!channel> \u{1F600}\u{0}"
        switch event.payload {
        case .messageReceived(var data):
            (data.content, data.contact) = (text, "A\"B")
            event.payload = .messageReceived(data)
        case .messageSent(var data):
            data.content = text
            event.payload = .messageSent(data)
        case .messageDelivered(var data):
            data.content = text
            event.payload = .messageDelivered(data)
        case .messageFailed(var data):
            (data.content, data.errorMessage) = (text, text)
            event.payload = .messageFailed(data)
        case .messageExpired(var data):
            data.content = text
            event.payload = .messageExpired(data)
        case .callMissed(var data):
            data.contact = "A\"B"
            event.payload = .callMissed(data)
        case .heartbeatOffline, .heartbeatOnline, .unknown: break
        }
        return event
    }
}
