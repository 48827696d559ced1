import Delivery
import Storage

/// Sending a delivery once more, at its owner's wish.
package enum DeliveryRetry {
    /// Makes the delivery due now; nil when the user has no such delivery.
    ///
    /// - Throws: ``Refusal`` `.conflict` when it was cancelled.
    package static func begin(_ id: DeliveryID, userID: UserID, in store: any Store) async throws -> DeliveryRecord? {
        try await store.write(.user(userID)) { tx in
            guard let delivery = try DeliveryHistory.find(id, userID: userID, in: tx) else { return nil }
            guard try begin(delivery, in: tx) else {
                throw Refusal(.conflict, "delivery with ID [\(id)] was cancelled because its webhook was deleted")
            }
            return try DeliveryHistory.find(id, userID: userID, in: tx)
        }
    }

    /// Makes several deliveries due now, but for those that were cancelled.
    ///
    /// - Returns: How many; nil when one of them is not the user's, and then none is due.
    package static func begin(_ ids: [DeliveryID], userID: UserID, in store: any Store) async throws -> Int? {
        try await store.write(.user(userID)) { tx in
            let deliveries = try ids.compactMap { try DeliveryHistory.find($0, userID: userID, in: tx) }
            guard deliveries.count == ids.count else { return nil }
            return try deliveries.count(where: { try begin($0, in: tx) })
        }
    }

    /// Makes a delivery due now; false when it was cancelled.
    private static func begin(_ delivery: DeliveryRecord, in tx: any Transaction) throws -> Bool {
        switch delivery.status {
        case .succeeded, .failed: _ = try ReplayQueries.reopen(delivery.id, lane: .retry, in: tx)
        case .pending: try DeliveryQueries.hasten(delivery.id, in: tx)
        case .delivering, .held: break
        case .cancelled: return false
        }
        return true
    }
}
