import Dispatch
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Delivery

/// One account's slow reads beside the delivery of another's events.
@Suite(.timeLimit(.minutes(15))) struct SlowReaderTests {
    @Test(arguments: Engine.enabled) func slowReadsOfAnotherAccountHoldNoDeliveryUp(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            try await harness.addEndpoint()
            let store = harness.store
            let held = HeldReads()

            try await withThrowingTaskGroup(of: Void.self) { readers in
                for _ in 0..<24 {
                    readers.addTask {
                        try await store.read(.account("another")) { _ in held.hold() }
                    }
                }
                defer { held.letGo() }
                try await until("reads run") { held.count > 0 }
                // Its first look at the store, and one a second after it, are reads, too.
                let sender = ScriptedSender { _, _ in .response(statusCode: 200) }
                try await harness.dispatching(sender) { _ in
                    for count in 1...3 {
                        try await harness.emit()
                        try await until("\(count) are delivered") { try await harness.delivered(count) }
                    }
                }
            }

            #expect(held.count == 24)
        }
    }
}

/// Reads that end when the test says so.
private final class HeldReads: Sendable {
    private let started = Mutex(0)
    private let gate = DispatchSemaphore(value: 0)

    /// How many have started.
    var count: Int { started.withLock { $0 } }

    func hold() {
        started.withLock { $0 += 1 }
        gate.wait()
        gate.signal()
    }

    func letGo() {
        gate.signal()
    }
}

extension EngineHarness {
    /// Whether so many deliveries have succeeded; asked in the engine's lane.
    fileprivate func delivered(_ count: Int) async throws -> Bool {
        let state = SQL(stringLiteral: "\(DeliveryState.succeeded.rawValue)")
        let found = try await store.read(.engine) { tx in
            try tx.value("SELECT COUNT(*) AS value FROM delivery WHERE state = \(state)", as: Int.self)
        }
        return found == count
    }
}
