import Delivery
import JSON
import Storage
import Timestamps

typealias DevicePairingID = ID<DevicePairing>

/// Leave for one phone to register, within 15 minutes and once. It names the numbers of its SIM cards, which the app does not
/// know.
struct DevicePairing: Sendable {
    let id: DevicePairingID
    let userID: UserID
    let name: String
    let numbers: [SIMNumber]
    let expiresAt: Timestamp

    static let lifetime: Duration = .seconds(900)

    /// Pairings of one account that wait at the same time.
    static let mostWaiting = 20
}

extension DevicePairing: RowDecodable {
    init(row: Row) throws {
        id = try row.get("id")
        userID = try row.get("user_id")
        name = try row.get("name")
        numbers = SIMNumber.list(try row.get("numbers"))
        expiresAt = try row.get("expires_at")
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
