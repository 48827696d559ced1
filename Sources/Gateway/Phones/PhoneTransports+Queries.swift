import Delivery
import Storage

extension PhoneTransports {
    /// Reads every phone.
    package init(in tx: any Transaction) throws {
        let row = try tx.rows(
            """
            SELECT COUNT(device_id) AS devices, COUNT(*) AS phones,
                COUNT(CASE WHEN LENGTH(fcm_token) >= \(Int64(PushAddress.shortestToken)) THEN 1 END) AS apps
            FROM phone
            """
        ).first
        devices = try row?.get("devices") ?? 0
        apps = try row?.get("apps") ?? 0
        others = try (row?.get("phones") ?? 0) - devices - apps
    }
}
