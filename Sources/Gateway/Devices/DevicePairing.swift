import Delivery
import HTTPSMSWebhooks
import Storage
import Timestamps

typealias DevicePairingID = ID<DevicePairing>

/// Leave for one phone to register, within 15 minutes and once. It names the numbers of its SIM cards, which the app does not
/// know.
struct DevicePairing: Sendable {
    let id: DevicePairingID
    let userID: UserID
    let name: String
    let numbers: [Number]
    let expiresAt: Timestamp

    /// The number of a SIM card.
    struct Number: Sendable, Hashable {
        let sim: SIM
        /// E.164.
        let phoneNumber: String

        /// As Android counts for people.
        var slot: Int { sim == .sim1 ? 1 : 2 }
    }

    static let lifetime: Duration = .seconds(900)

    /// Pairings of one account that wait at the same time.
    static let mostWaiting = 20
}

extension DevicePairing: RowDecodable {
    init(row: Row) throws {
        id = try row.get("id")
        userID = try row.get("user_id")
        name = try row.get("name")
        numbers = Self.numbers(try row.get("numbers"))
        expiresAt = try row.get("expires_at")
    }

    /// `SIM1 +18005550199`, one a line.
    static func text(_ numbers: [Number]) -> String {
        numbers.map { "\($0.sim.rawValue) \($0.phoneNumber)" }.joined(separator: "\n")
    }

    private static func numbers(_ text: String) -> [Number] {
        text.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: " ")
            guard parts.count == 2, let sim = SIM(rawValue: String(parts[0])) else { return nil }
            return Number(sim: sim, phoneNumber: String(parts[1]))
        }
    }
}

/// A pairing as its account is told of it, once: only digests are stored.
struct FreshPairing: Sendable, JSONWritable {
    let id: DevicePairingID
    let privateToken: String
    /// What the app's API URL is set to.
    let url: String
    let expiresAt: Timestamp

    var code: String { DeviceSecrets.code(of: privateToken) }

    func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("id", id.text)
            o.field("code", code)
            o.field("private_token", privateToken)
            o.field("url", url)
            o.field("expires_at", expiresAt)
        }
    }
}
