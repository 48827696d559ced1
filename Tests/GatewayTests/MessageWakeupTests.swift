import HTTPSMSWebhooks
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import Server

/// Who wakes the sweep that hands messages out.
@Suite(.onOneEngine) struct MessageWakeupTests {
    /// Longer than the suite takes.
    private static let never = Duration.seconds(600)
    private static let userID = UserID("user-1")
    private static let owner = "+18005550199"

    @Test(arguments: Engine.enabled) func anSMSThatCameInWakesNobody(engine: Engine) async throws {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            try await store.write { tx in
                let message = Message(
                    incoming: .mobileOriginated, id: MessageID(at: tx.now), userID: Self.userID, owner: Self.owner,
                    contact: "+18005550100", content: "Hello", attachments: [], isEncrypted: false, sim: .sim1,
                    timestamp: PhoneTime(tx.now), notes: [], source: "/", at: tx.now)
                try MessageQueries.insert(message, in: tx)
            }

            let waited = await ContinuousClock().measure {
                await store.wakeups.wait(for: .messages, atMost: .milliseconds(30))
            }

            #expect(waited >= .milliseconds(30))
        }
    }

    @Test(.timeLimit(.minutes(15)), arguments: Engine.enabled)
    func aMessageThatIsToBeSentDoes(engine: Engine) async throws {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            try await store.write { tx in
                let phone = Phone(id: PhoneID(at: tx.now), userID: Self.userID, phoneNumber: Self.owner, at: tx.now)
                let message = Message(
                    outgoing: MessageID(at: tx.now), from: phone, to: "+18005550100", content: "Hello", requestID: nil,
                    source: "/", at: tx.now)
                try MessageQueries.insert(message, in: tx)
            }

            await store.wakeups.wait(for: .messages, atMost: Self.never)
        }
    }
}
