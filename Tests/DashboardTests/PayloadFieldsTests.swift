import Delivery
import Testing

@testable import Dashboard

/// What pages call the formats of webhooks.
struct PayloadFieldsTests {
    @Test func eachFormatHasWordsOfItsOwn() {
        let words = PayloadFormat.names.map(PayloadFields.label)

        #expect(Set(words).count == words.count)
        for (name, label) in zip(PayloadFormat.names, words) {
            #expect(label != name && label.contains(" ") && !label.contains("("), "\(name)")
        }
    }
}
