import Storage
import TestSupport
import Testing

@testable import Delivery

/// A result that the store does not take, whenever it is tried.
@Suite(.timeLimit(.minutes(15))) struct UnstorableResultTests {
    /// Leaves a row where the first attempt of a delivery is to be, so that its result meets a key that is taken.
    private func spoil(_ delivery: DeliveryID, _ harness: EngineHarness) async throws {
        _ = try await harness.store.write { tx in
            try tx.run(
                """
                INSERT INTO attempt (delivery_id, number, started_at, duration, response_headers, response_body)
                VALUES (\(delivery), 1, \(tx.now), \(Duration.seconds(1)), '', \([UInt8]()))
                """)
        }
    }

    @Test(arguments: Engine.enabled) func oneResultThatCannotBeStoredStopsNoOther(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(40)
            let spoilt = try #require(try await harness.deliveries(to: endpoint).dropFirst(17).first)
            try await spoil(spoilt.id, harness)
            let log = LogRecorder()
            let sender = ScriptedSender { _, _ in .response(statusCode: 200) }

            try await harness.dispatching(sender, logger: log.logger) { _ in
                try await until("all are delivered") { try await harness.count(.succeeded) == 40 }
            }

            let told = log.lines.filter { $0.message == "the details of an attempt cannot be stored" }
            #expect(told.map { $0.metadata["delivery_id"] } == ["\(spoilt.id)"])
            #expect(sender.requests.count == 40)
        }
    }
}
