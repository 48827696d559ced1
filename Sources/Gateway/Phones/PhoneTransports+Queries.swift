import Delivery
import Storage

extension PhoneTransports {
    /// Reads every phone.
    package init(in tx: any Transaction) throws {
        var (devices, others, apps) = (Int64(0), Int64(0), [PushKind: Int64]())
        for row in try tx.rows("SELECT device_id, fcm_token FROM phone ORDER BY id") {
            let address = try row.find("fcm_token").map { PushAddress(text: $0) }
            if try row.find("device_id", as: String.self) != nil {
                devices += 1
            } else if let address, address.isOfService {
                apps[address.kind, default: 0] += 1
            } else {
                others += 1
            }
        }
        (self.devices, self.others, self.apps) = (devices, others, apps)
    }
}
