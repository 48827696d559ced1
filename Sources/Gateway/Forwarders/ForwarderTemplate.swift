import HTTPSMSWebhooks
import JSON
import Wire

/// Where an app puts the parts of an SMS: a JSON pointer for each part that is not under one of the usual names.
package struct ForwarderTemplate: Sendable, Equatable {
    /// By part; parts that are missing are looked for by name.
    package let pointers: [ForwardedPart: JSONPointer]
}

/// What is read of a request.
package enum ForwardedPart: String, Sendable, CaseIterable {
    case contact, content, timestamp, sim, id

    /// The names under which apps send it, without regard to case; the first that holds something wins.
    var names: [String] {
        switch self {
        case .contact:
            ["from", "sender", "phone", "phonenumber", "phone_number", "number", "address", "msisdn", "originator"]
        case .content: ["text", "content", "message", "msg", "body", "sms", "org_content"]
        case .timestamp:
            [
                "receivedstamp", "sentstamp", "timestamp", "receivedat", "received_at", "receive_time", "date", "time",
            ]
        case .sim: ["sim", "simslot", "sim_slot", "simnumber", "card_slot", "slot"]
        case .id: ["id", "messageid", "sms_id"]
        }
    }
}

/// The place of a value in a JSON document (RFC 6901): `/payload/0/text`.
package struct JSONPointer: Sendable, Equatable {
    /// As it was written.
    package let text: String
    /// The names and indexes on the way, outermost first.
    let steps: [String]

    /// A pointer is no longer than that, in bytes; it is shown on pages.
    static let maximumLength = 255
    /// Each step reads the value before it once more.
    static let maximumDepth = 16

    /// Nil when it is not a pointer, or a longer or deeper one than anybody needs.
    init?(_ text: String) {
        guard text.hasPrefix("/"), text.utf8.count <= Self.maximumLength, !text.utf8.contains(0x0A) else { return nil }
        let parts = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= Self.maximumDepth else { return nil }
        self.text = text
        steps = parts.map { String($0).replacingBytes("~1", with: "/").replacingBytes("~0", with: "~") }
    }
}

extension ForwarderTemplate: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            for part in ForwardedPart.allCases {
                if let pointer = pointers[part] { o.field(named: part.rawValue, pointer.text) }
            }
        }
    }
}

extension ForwarderTemplate {
    /// As it is stored: the part and its pointer, one a line.
    var stored: String {
        ForwardedPart.allCases.compactMap { part in pointers[part].map { "\(part.rawValue) \($0.text)" } }
            .joined(separator: "\n")
    }

    /// Reads what ``stored`` wrote; what no version wrote is left out.
    init(stored text: String) {
        var pointers: [ForwardedPart: JSONPointer] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1)
            guard words.count == 2, let part = ForwardedPart(rawValue: String(words[0])) else { continue }
            pointers[part] = JSONPointer(String(words[1]))
        }
        self.pointers = pointers
    }
}
