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
            switch delivery.status {
            case .succeeded, .failed: _ = try ReplayQueries.reopen(id, lane: .retry, in: tx)
            case .pending: try DeliveryQueries.hasten(id, in: tx)
            case .delivering, .held: break
            case .cancelled:
                throw Refusal(.conflict, "delivery with ID [\(id)] was cancelled because its webhook was deleted")
            }
            return try DeliveryHistory.find(id, userID: userID, in: tx)
        }
    }
}
