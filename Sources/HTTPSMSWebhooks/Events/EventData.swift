import JSON

/// The data of an event, whatever its type.
package protocol EventData: JSONWritable, Decodable, Sendable {
    /// The number of the phone that the event is about, E.164.
    var owner: String { get }
    /// What it says of a message; nil when it is about a phone.
    var message: MessageFacts? { get }
    /// The same with what an SMS and its sender may hold at worst, see ``Sample``.
    var awkward: Self { get }

    /// What happened, in one line for people; `type` is that of the event.
    func title(of type: EventType) -> String
}

/// What the events about messages have in common, whatever they call it on the wire.
package struct MessageFacts: Sendable {
    let id: String
    let requestID: String?
    let content: String?
    let isEncrypted: Bool
    /// The URLs of the files that came with it.
    var attachments: [String] = []
}
