import Delivery
import Secrets
import Storage
import TestSupport
import Testing

@testable import Gateway
@testable import Server

/// The plans of what every request to a hook asks.
struct ForwarderQueryPlanTests {
    @Test func hooksAndRequestsAreFoundByTheirIndexes() async throws {
        let plans = try await withStore(.sqlite, migrations: GatewayStore.migrations) { store in
            try await queryPlans(of: store) { tx in
                let queries = ForwarderQueries(keyring: try Keyring(masterKey: [UInt8](repeating: 1, count: 32)))
                let forwarder = SMSForwarder(
                    id: ForwarderID(at: tx.now), userID: UserID("user"), name: "app", preset: .generic, numbers: [],
                    template: nil, token: Secret("in_1"), lastRequestAt: nil, createdAt: tx.now)
                try queries.insert(forwarder, in: tx)
                _ = try queries.find(token: "in_1", in: tx)
                _ = try queries.list(userID: forwarder.userID, in: tx)
                try ForwarderQueries.record(
                    ForwardedRequest(
                        id: ID(at: tx.now), receivedAt: tx.now, method: "GET", contentType: "", query: "", body: "",
                        status: 200, answer: "", messageID: nil, readings: []), of: forwarder, in: tx)
                _ = try ForwarderQueries.requests(of: forwarder.id, in: tx)
            }
        }

        #expect(plans.contains { $0.contains("forwarder_token (token_hash=?)") }, "\(plans)")
        #expect(plans.contains { $0.contains("forwarder_user (user_id=?)") }, "\(plans)")
        #expect(plans.count { $0.contains("forwarder_request_last (forwarder_id=?)") } >= 2, "\(plans)")
        #expect(!plans.contains { $0.contains("SCAN forwarder") || $0.contains("TEMP B-TREE") }, "\(plans)")
    }
}
