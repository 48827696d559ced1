import Delivery
import Storage

extension PhoneTransports {
    /// Reads every phone. Only what Firebase gives is told apart from what people make up, by its length.
    package init(in tx: any Transaction) throws {
        let row = try tx.rows(
            """
            SELECT COUNT(device_id) AS devices, COUNT(*) AS phones,
                COUNT(CASE WHEN LENGTH(fcm_token) >= \(Int64(PushAddress.shortestToken)) THEN 1 END) AS apps
            FROM phone
            """
        ).first
        let found: Int64 = try row?.get("apps") ?? 0
        devices = try row?.get("devices") ?? 0
        apps = [.firebase: found]
        others = try (row?.get("phones") ?? 0) - devices - found
    }
}
