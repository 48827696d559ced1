import Timestamps

/// A sample of each event: byte for byte the golden files in `Fixtures/events`.
package enum EventSample {
    /// The sample of `type`.
    package static func event(of type: EventType) -> CloudEvent {
        switch type {
        case .messageReceived:
            event(
                "f4aed1d3-ab4f-42b9-b9dd-9fc7182f7197", "/v1/messages/receive", "2026-07-22T10:15:30.524331Z",
                .messageReceived(
                    MessageReceived(
                        messageID: received, userID: user, owner: owner, isEncrypted: false, contact: contact,
                        timestamp: time("2026-07-22T10:15:29.814Z"), content: "Hello", sim: .sim1,
                        attachments: ["https://api.example.com/v1/attachments/\(user)/\(received)/0/photo.jpg"])))
        case .messageSent:
            event(
                "7a3a2b38-7d39-4a6e-9e1f-0d9a4c3c9a01", "/v1/messages/\(sent)/events", "2026-07-22T10:16:02.1002Z",
                .messageSent(
                    MessageSent(
                        messageID: sent, userID: user, requestID: nil, owner: owner, contact: contact,
                        isEncrypted: false, timestamp: time("2026-07-22T10:16:01.902Z"), content: "Hi", sim: .sim1)))
        case .messageDelivered:
            event(
                "b2a1f2b0-1d0f-4a35-8f6b-5a3c2f9b7c02", "/v1/messages/\(sent)/events", "2026-07-22T10:16:06.3Z",
                .messageDelivered(
                    MessageDelivered(
                        messageID: sent, owner: owner, contact: contact, requestID: "order-17", userID: user,
                        isEncrypted: false, timestamp: time("2026-07-22T10:16:05.771Z"), content: "Hi", sim: .sim1)))
        case .messageFailed:
            event(
                "c1d2e3f4-0a1b-4c2d-8e3f-4a5b6c7d8e03", "/v1/messages/\(sent)/events", "2026-07-22T10:16:02.55Z",
                .messageFailed(
                    MessageFailed(
                        messageID: sent, errorMessage: "NO_SERVICE", userID: user, owner: owner, requestID: nil,
                        contact: contact, timestamp: time("2026-07-22T10:16:02.1Z"), isEncrypted: false,
                        content: "Hi", sim: .sim1)))
        case .messageExpired:
            event(
                "d0c9b8a7-6f5e-4d4c-8b3a-291807f6e504", "/v1/messages/send", "2026-07-22T10:26:00.000812Z",
                .messageExpired(
                    MessageExpired(
                        messageID: sent, owner: owner, sendAttemptCount: 1, isFinal: false, requestID: nil,
                        contact: contact, isEncrypted: false, userID: user,
                        timestamp: time("2026-07-22T10:26:00.00079Z"), content: "Hi", sim: .sim1)))
        case .callMissed:
            event(
                "e5f60718-2a3b-4c4d-9e5f-60718293a405", "/v1/messages/calls/missed", "2026-07-22T11:00:00.4Z",
                .callMissed(
                    MissedCall(
                        messageID: "5d2f8d1c-43f9-4f6a-a9b0-0f4b8d3f1a22", userID: user, owner: owner,
                        contact: contact, timestamp: time("2026-07-22T10:59:41.12Z"), sim: .sim1)))
        case .heartbeatOffline:
            event(
                "06172839-4a5b-4c6d-8e7f-8091a2b3c406", "/v1/heartbeats", "2026-07-22T12:20:00.1Z",
                .heartbeatOffline(heartbeat("2026-07-22T11:10:00.123456Z", "2026-07-22T12:20:00.09Z")))
        case .heartbeatOnline:
            event(
                "17283940-5b6c-4d7e-8f80-91a2b3c4d508", "/v1/heartbeats", "2026-07-22T13:00:00.2Z",
                .heartbeatOnline(heartbeat("2026-07-22T13:00:00.150432Z", "2026-07-22T13:00:00.19Z")))
        }
    }

    private static let user = "XtABz6zdeFMoBLoltz6SREDvRSh2"
    private static let owner = "+18005550199"
    private static let contact = "+18005550100"
    private static let received = "0b0123bb-ef2e-468f-908a-c026d51636aa"
    private static let sent = "32343a19-da5e-4b1b-a767-3298a73703cb"

    private static func event(
        _ id: String, _ source: String, _ at: String, _ payload: EventPayload
    ) -> CloudEvent {
        CloudEvent(id: id, source: source, time: time(at), payload: payload)
    }

    private static func heartbeat(_ last: String, _ at: String) -> PhoneHeartbeat {
        PhoneHeartbeat(
            phoneID: "32343a19-da5e-4b1b-a767-3298a73703ca", userID: user, lastHeartbeatTimestamp: time(last),
            timestamp: time(at), monitorID: "9a0f1e2d-3c4b-4a59-8687-96a5b4c3d207", owner: owner)
    }

    private static func time(_ text: String) -> Timestamp {
        guard let time = Timestamp(rfc3339: text) else { preconditionFailure("\(text) is not a time") }
        return time
    }
}
