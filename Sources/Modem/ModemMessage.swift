import Foundation
import Timestamps

/// An SMS that the server gave to the modem, until long after its end: what is offered again is not sent again.
struct ModemMessage: Codable, Hashable, Sendable {
    /// As the server calls it.
    let id: String
    /// A number, as it is dialled.
    let to: String
    /// Empty once it is sent.
    var text: String
    /// Until when it may be sent.
    let validUntil: Timestamp
    /// First come, first sent.
    let sequence: Int
    var state: State = .pending
    /// When it came to each state first.
    var times: [String: Timestamp] = [:]
    /// Why it failed.
    var error: String?
    /// The network's numbers of the parts of which no delivery was reported.
    var references: [Int] = []
    /// When it was taken back from gammu-smsd, which did not send it in time.
    var withdrawnAt: Timestamp?
    /// Counts the changes; what was reported last is below when there is something to report.
    var revision = 0
    var reportedRevision = -1

    /// As the protocol of the SMSGate app names them.
    enum State: String, Codable, Sendable {
        case pending = "Pending"
        case processed = "Processed"
        case sent = "Sent"
        case delivered = "Delivered"
        case failed = "Failed"
        case cancelled = "Cancelled"
    }

    /// Whether nothing follows.
    var isOver: Bool { [.delivered, .failed, .cancelled].contains(state) }

    /// Whether gammu-smsd has still to send it.
    var isUnsent: Bool { [.pending, .processed].contains(state) }

    /// Comes to a state.
    mutating func become(_ state: State, at now: Timestamp, error: String? = nil) {
        self.state = state
        if times[state.rawValue] == nil { times[state.rawValue] = now }
        if let error { self.error = error }
        if state == .sent || isOver { text = "" }
        revision = revision.clampedAdding(1)
    }

    /// Where the SMS is for gammu-smsd: its recipient is in the name, where a star is written X (smsd/services/files.c); `d` asks
    /// for a delivery report. The name is never used for another SMS.
    var fileName: String { "\(Self.prefix)\(to.replacingOccurrences(of: "*", with: "X"))_\(id).txtd" }

    /// What the names of our SMS begin with; date and time stand in every such name.
    static let prefix = "OUTA20000101_000000_00_"

    /// What stands in the file: UTF-16 with a byte order mark, as gammu-smsd takes the encoding of other files from its locale.
    var file: [UInt8] {
        // A NUL would end the text.
        let units = [0xFEFF] + text.utf16.filter { $0 != 0 }
        return units.flatMap { [UInt8(truncatingIfNeeded: $0 >> 8), UInt8(truncatingIfNeeded: $0)] }
    }

    /// A number as it is dialled; nil when it is not a number, such as a name.
    static func number(_ text: String) -> String? {
        let number = text.filter { !" -()./\u{a0}".contains($0) }
        let digits = number.hasPrefix("+") ? number.dropFirst() : number[...]
        guard (1...20).contains(digits.count), digits.allSatisfy({ "0123456789*#".contains($0) }) else { return nil }
        return number
    }

    /// Whether a delivery report for `number` may be of this SMS: networks write the same number in several ways.
    func isTo(_ number: String) -> Bool {
        let (own, other) = (to.filter(\.isNumber), number.filter(\.isNumber))
        return own == other || own.count >= 7 && other.count >= 7 && own.suffix(7) == other.suffix(7)
    }
}

/// An SMS as the server offers it.
struct ModemOffer: Decodable, Sendable {
    let id: String
    let to: String
    let text: String
    let validUntil: Timestamp

    private enum Member: String, CodingKey {
        case id, textMessage, phoneNumbers, validUntil
    }

    private struct Text: Decodable {
        let text: String
    }

    init(id: String, to: String, text: String, validUntil: Timestamp) {
        (self.id, self.to, self.text, self.validUntil) = (id, to, text, validUntil)
    }

    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Member.self)
        id = try members.decode(String.self, forKey: .id)
        text = try members.decode(Text.self, forKey: .textMessage).text
        to = try members.decode([String].self, forKey: .phoneNumbers).first ?? ""
        let time = try members.decodeIfPresent(String.self, forKey: .validUntil)
        validUntil = time.flatMap { Timestamp(rfc3339: $0) } ?? .last
    }

    /// Whether the id can be part of a file's name.
    var isSafe: Bool {
        (1...64).contains(id.utf8.count)
            && id.utf8.allSatisfy { byte in
                byte == UInt8(ascii: "-") || Character(UnicodeScalar(byte)).isHexDigit
            }
    }
}
