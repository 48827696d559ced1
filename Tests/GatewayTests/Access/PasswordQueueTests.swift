import Dispatch
import Synchronization
import TestSupport
import Testing

@testable import Gateway

/// Who is served first when many sign in, and who is sent away.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct PasswordQueueTests {
    @Test func halfOfThePlacesAreKeptForTheFirstLane() async throws {
        let queue = PasswordQueue()
        let gate = DispatchSemaphore(value: 0)
        let entered = Counter()
        let refused = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            let isHeld = Flag()
            group.addTask {
                try await queue.run(in: .second) {
                    isHeld.set()
                    gate.wait()
                }
            }
            try await until("the thread is held") { isHeld.isSet }
            for _ in 0..<40 {
                group.addTask {
                    do {
                        try await queue.run(in: .second) { entered.raise() }
                    } catch is PasswordQueue.Crowded {
                        refused.raise()
                    }
                }
            }
            // One of the sixteen is under way.
            try await until("the second lane is full") { refused.value == 25 }
            async let servedBefore = queue.run(in: .first) { entered.value }
            try await until("the first lane waits, too") { queue.waiting == 17 }
            gate.signal()
            try await group.waitForAll()

            #expect(try await servedBefore == 0)
            #expect(entered.value == 15)
        }
    }

    @Test func moreThan32AreSentAwayAtOnce() async throws {
        let queue = PasswordQueue()
        let gate = DispatchSemaphore(value: 0)
        let refused = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<40 {
                group.addTask {
                    do {
                        try await queue.run(in: .first) { gate.wait() }
                    } catch is PasswordQueue.Crowded {
                        refused.raise()
                    }
                }
            }
            try await until("eight are refused") { refused.value == 8 }
            for _ in 0..<32 { gate.signal() }
            try await group.waitForAll()
        }
    }
}

/// A number that only grows.
private final class Counter: Sendable {
    private let count = Mutex(0)

    var value: Int { count.withLock { $0 } }

    func raise() { count.withLock { $0 += 1 } }
}
