import Delivery
import Gateway
import Storage

/// How a phone is told of messages, as pages show it.
struct ReachLine: Sendable {
    let number: String
    let path: String
    /// `good`, `warning` or `problem`.
    let kind: String
    let sentence: String
    let step: PhoneReach.Step?

    init(_ reach: PhoneReach, of phone: Phone) {
        self.init(reach, id: phone.id, number: phone.phoneNumber)
    }

    init(_ reach: PhoneReach, id: PhoneID, number: String) {
        self.number = PageParty.number(number)
        path = "\(PhonePages.path)/\(id)"
        kind = reach.kind
        sentence = reach.sentence
        step = reach.step
    }

    /// Whether there is anything to do.
    var isGood: Bool { step == nil }

    /// Those of the newest 100 phones of an account that something is to be done about, at most 20; when `areBad`, only those that
    /// no message reaches.
    static func troubles(
        of userID: UserID, pushes: Set<PushKind>, areBad: Bool = false, in tx: any Transaction
    ) throws -> [ReachLine] {
        let phones = try PhoneQueries.list(userID: userID, page: Page(skip: 0, limit: 100, query: ""), in: tx)
        let lines = try phones.compactMap { phone -> ReachLine? in
            // What has a device may be slow to hear, and need not be read.
            if areBad, phone.deviceID != nil, phone.pushError == nil { return nil }
            return ReachLine(try PhoneReach(of: phone, pushes: pushes, in: tx), of: phone)
        }
        return Array(lines.filter { areBad ? $0.kind == "problem" : !$0.isGood }.prefix(20))
    }
}
