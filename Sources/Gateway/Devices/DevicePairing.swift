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
    /// The device that is connected again; nil for a new one.
    var deviceID: DeviceID?

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
        deviceID = try row.find("device_id")
    }
}

/// A pairing as its account is told of it, once: only digests are stored.
struct FreshPairing: Sendable, JSONWritable {
    let id: DevicePairingID
    let privateToken: String
    /// What the app's API URL is set to.
    let url: String
    let expiresAt: Timestamp

    /// The page to open on the phone; nil where this server is not known under an address that a phone can open.
    var pageURL: String? {
        guard url.hasPrefix("https://"), url.hasSuffix(Device.path) else { return nil }
        return url.dropLast(Device.path.count) + Self.pagePath(privateToken)
    }

    /// The page that leads somebody who holds the phone through connecting it.
    static func pagePath(_ privateToken: String) -> String { "/connect?token=\(privateToken)" }

    var code: String { DeviceSecrets.code(of: privateToken) }

    func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("id", id.text)
            o.field("code", code)
            o.field("private_token", privateToken)
            o.field("url", url)
            o.field("page_url", pageURL)
            o.field("expires_at", expiresAt)
        }
    }
}
