import HTTPSMSWebhooks
import JSON

/// A number and the slot that its SIM card is in.
package struct SIMNumber: Sendable, Hashable {
    /// The slot.
    package let sim: SIM
    /// E.164.
    package let phoneNumber: String

    /// A SIM and the number of it.
    package init(sim: SIM, phoneNumber: String) { (self.sim, self.phoneNumber) = (sim, phoneNumber) }

    /// As Android counts for people.
    var slot: Int { sim == .sim1 ? 1 : 2 }
}

extension SIMNumber {
    /// How a list is stored: `SIM1 +18005550199`, one a line.
    static func text(_ numbers: [SIMNumber]) -> String {
        numbers.map { "\($0.sim.rawValue) \($0.phoneNumber)" }.joined(separator: "\n")
    }

    /// Reads a list as ``text(_:)`` writes it.
    static func list(_ text: String) -> [SIMNumber] {
        text.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: " ")
            guard parts.count == 2, let sim = SIM(rawValue: String(parts[0])) else { return nil }
            return SIMNumber(sim: sim, phoneNumber: String(parts[1]))
        }
    }
}

extension SIMNumber: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("sim", sim.rawValue)
            o.field("phone_number", phoneNumber)
        }
    }
}
