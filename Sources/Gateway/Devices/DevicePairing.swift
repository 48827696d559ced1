import Delivery
import JSON
import Storage
import Timestamps

typealias DevicePairingID = ID<DevicePairing>

/// Leave for one phone to register, within 15 minutes and once. It names the numbers of its SIM cards, which the app does not
/// know.
package struct DevicePairing: Sendable {
    let id: DevicePairingID
    /// Whose device it makes.
    package let userID: UserID
    let name: String
    /// The numbers of the device's SIMs.
    package let numbers: [SIMNumber]
    /// From when on the code is worth nothing.
    package let expiresAt: Timestamp
    /// The device that is connected again; nil for a new one.
    var deviceID: DeviceID?

    static let lifetime: Duration = .seconds(900)

    /// Pairings of one account that wait at the same time.
    static let mostWaiting = 20
}

extension DevicePairing: RowDecodable {
    package init(row: Row) throws {
        id = try row.get("id")
        userID = try row.get("user_id")
        name = try row.get("name")
        numbers = SIMNumber.list(try row.get("numbers"))
        expiresAt = try row.get("expires_at")
        deviceID = try row.find("device_id")
    }
}

/// A pairing as its account is told of it, once: only digests are stored.
package struct FreshPairing: Sendable, JSONWritable {
    let id: DevicePairingID
    /// What the app asks for as the private token; shown once.
    package let privateToken: String
    /// What the app's API URL is set to.
    let url: String
    let expiresAt: Timestamp

    /// The page to open on the phone; nil where this server is not known under an address that a phone can open.
    var pageURL: String? {
        guard url.hasPrefix("https://"), url.hasSuffix(Device.path) else { return nil }
        return url.dropLast(Device.path.count) + Self.pagePath(privateToken)
    }

    /// The page that leads somebody who holds the phone through connecting it.
    package static func pagePath(_ privateToken: String) -> String { "/connect?token=\(privateToken)" }

    var code: String { DeviceSecrets.code(of: privateToken) }

    package func write(to json: inout JSONWriter) {
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
