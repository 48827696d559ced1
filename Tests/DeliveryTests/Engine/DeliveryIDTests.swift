import Storage
import Testing
import Timestamps

@testable import Delivery

struct DeliveryIDTests {
    private let event = EventID(trusted: "0198c2f0-0000-7000-8000-000000000001")
    private let endpoint = EndpointID(trusted: "0198c2f0-0000-7000-8000-000000000002")
    private let created = Timestamp(microseconds: 1_784_715_329_814_999)

    @Test func theSamePairHasTheSameID() {
        #expect(
            DeliveryID(event: event, endpoint: endpoint, at: created)
                == DeliveryID(event: event, endpoint: endpoint, at: created))
    }

    @Test func anotherEventOrEndpointHasAnotherID() {
        let ids: Set = [
            DeliveryID(event: event, endpoint: endpoint, at: created),
            DeliveryID(event: EventID(trusted: endpoint.text), endpoint: endpoint, at: created),
            DeliveryID(event: event, endpoint: EndpointID(trusted: event.text), at: created),
            DeliveryID(event: EventID(trusted: endpoint.text), endpoint: EndpointID(trusted: event.text), at: created),
        ]

        #expect(ids.count == 4)
    }

    @Test func itIsAUUIDOfVersion7WithTheMillisecondsOfTheEvent() throws {
        let text = DeliveryID(event: event, endpoint: endpoint, at: created).text

        let milliseconds = try #require(UInt64(text.prefix(13).replacing("-", with: ""), radix: 16))
        #expect(milliseconds == 1_784_715_329_814)
        #expect(DeliveryID(text)?.text == text)
        #expect(Array(text)[14] == "7")
        #expect("89ab".contains(Array(text)[19]))
    }

    @Test func laterEventsSortLater() {
        let first = DeliveryID(event: event, endpoint: endpoint, at: created)
        let second = DeliveryID(event: event, endpoint: endpoint, at: created + .milliseconds(1))

        #expect(first < second)
    }
}
