import HTTPSMSWebhooks
import Testing

struct EventTypeTests {
    @Test func theEightEventsStandInTheOrderOfTheDocumentation() {
        let names = EventType.allCases.map(\.rawValue)

        #expect(
            names == [
                "message.phone.received", "message.phone.sent", "message.phone.delivered", "message.send.failed",
                "message.send.expired", "message.call.missed", "phone.heartbeat.offline", "phone.heartbeat.online",
            ])
    }
}
