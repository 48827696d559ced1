import Delivery
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import Server

/// The plans of the queries that each request of a device runs.
struct DevicePlanTests {
    private static func plans(_ body: @escaping @Sendable (any Transaction) throws -> Void) async throws -> [String] {
        try await withStore(.sqlite, migrations: GatewayStore.migrations) { store in
            try await queryPlans(of: store, body)
        }
    }

    @Test func whatADeviceIsGivenIsFoundByIndexes() async throws {
        let plans = try await Self.plans { tx in
            let (id, user, owners) = (DeviceID(at: tx.now), UserID("user"), ["+18005550199"])
            _ = try DeviceOfferQueries.again(id, owners: owners, limit: 100, in: tx)
            _ = try DeviceOfferQueries.outstanding(userID: user, owners: owners, limit: 101, in: tx)
            _ = try DeviceOfferQueries.isAnythingOutstanding(userID: user, owners: owners, in: tx)
            _ = try DeviceOfferQueries.questions(for: id, owners: owners, limit: 100, in: tx)
            _ = try DeviceOfferQueries.cancelled(of: id, in: tx)
            try DeviceOfferQueries.askAll(of: id, silentSince: tx.now, in: tx)
            _ = try DeviceOfferQueries.prune(in: tx)
        }

        for index in [
            "device_offer_device (device_id=? AND state=?", "message_scheduled (user_id=? AND owner=?)",
            "device_offer_ask (device_id=?", "device_offer_valid (valid_until<?)",
        ] {
            #expect(plans.contains { $0.contains(index) }, "\(index) \(plans)")
        }
        #expect(!plans.contains { $0.hasPrefix("SCAN message") || $0.hasPrefix("SCAN device_offer") }, "\(plans)")
    }

    @Test func aDeviceIsFoundByItsSecrets() async throws {
        let plans = try await Self.plans { tx in
            _ = try PhoneDeviceQueries.find(tokenHash: [1], in: tx)
            _ = try PhoneDeviceQueries.find(inboundHash: [1], in: tx)
            _ = try PhoneDeviceQueries.find(privateTokenHash: [1], in: tx)
            _ = try DevicePairingQueries.find(codeHash: [1], in: tx)
            _ = try DevicePairingQueries.find(tokenHash: [1], in: tx)
            _ = try DevicePairingQueries.prune(in: tx)
            _ = try PhoneDeviceQueries.nudged(since: tx.now, in: tx)
        }

        #expect(!plans.contains { $0.hasPrefix("SCAN device") || $0.hasPrefix("SCAN phone") }, "\(plans)")
        #expect(plans.contains { $0.contains("device_nudged (nudged_at>?)") }, "\(plans)")
    }
}
