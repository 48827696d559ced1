import Foundation
import Timestamps

/// What filters look at in an event. It is folded once, however many filters look at it.
final class EventSubject {
    /// When it happened.
    private(set) var time: Timestamp?
    /// The other party, in small letters.
    private(set) var contact: [Unicode.Scalar]?
    private(set) var sim: String?
    /// Whether it is about a text, perhaps one that nobody can read here.
    private(set) var hasText = false
    /// Small letters, composed; of the first 4,096 characters. Nil when it is encrypted.
    private(set) var text: String?
    /// ``text`` as parts of it are looked for; made when the first filter asks.
    private(set) lazy var searched: SearchedText? = text.map { text in
        steps += text.utf8.count
        return SearchedText(text)
    }
    /// The words of ``text``; made when the first filter asks.
    private(set) lazy var words: Set<String> = {
        guard let text else { return [] }
        steps += text.utf8.count
        return EventFilter.words(of: text)
    }()
    /// What filters looked at so far: a byte, a character or a word is one step each time.
    var steps = 0

    /// Reads the event as it is logged.
    init(body: [UInt8]) {
        struct Event: Decodable {
            struct Data: Decodable {
                let contact: String?
                let sim: String?
                let content: String?
                let encrypted: Bool?
            }
            let time: String?
            let data: Data
        }
        // One that cannot be read has nothing that could be asked for; its delivery tells.
        guard let event = try? JSONDecoder().decode(Event.self, from: Foundation.Data(body)) else { return }
        let data = event.data
        time = event.time.flatMap(Timestamp.init(rfc3339:))
        contact = data.contact.map { Array($0.lowercased().unicodeScalars) }
        sim = data.sim
        hasText = data.content != nil
        if data.encrypted != true { text = data.content.map { Self.plain(String($0.unicodeScalars.prefix(4_096))) } }
    }

    /// Text as it is compared.
    static func plain(_ text: String) -> String { composed(text.lowercased()) }

    /// Text whose letters and marks are one character where there is one (NFC).
    static func composed(_ text: String) -> String { text.precomposedStringWithCanonicalMapping }
}
