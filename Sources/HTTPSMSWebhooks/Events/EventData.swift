import JSON

/// The data of an event, whatever its type.
package protocol EventData: JSONWritable, Decodable, Sendable {
    /// The number of the phone that the event is about, E.164.
    var owner: String { get }
    /// What it says of a message; nil when it is about a phone.
    var message: MessageFacts? { get }
}

/// What the events about messages have in common, whatever they call it on the wire.
package struct MessageFacts: Sendable {
    let id: String
    let requestID: String?
    let content: String?
    let isEncrypted: Bool
}
