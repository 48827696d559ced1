import Storage
import Testing

struct WakeupsTests {
    /// Longer than the whole suite takes, so a wait that ends by this limit fails the test by its duration.
    private static let never = Duration.seconds(600)

    @Test(.timeLimit(.minutes(15))) func aSignalBeforeTheWaitIsKept() async {
        let wakeups = Wakeups()

        wakeups.signal(.deliveries)

        await wakeups.wait(for: .deliveries, atMost: Self.never)
    }

    @Test(.timeLimit(.minutes(15))) func aSignalWakesEverybodyWhoWaits() async {
        let wakeups = Wakeups()

        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<3 { group.addTask { await wakeups.wait(for: .messages, atMost: Self.never) } }
            // Signals until all three have left, as there is no telling when the last of them waits.
            group.addTask {
                while !Task.isCancelled {
                    wakeups.signal(.messages)
                    await Task.yield()
                }
            }
            for _ in 0..<3 { await group.next() }
            group.cancelAll()
        }
    }

    @Test func aWaitEndsAtItsLimitAndAKeptSignalIsUsedOnce() async {
        let wakeups = Wakeups()
        let clock = ContinuousClock()
        wakeups.signal(.presence)
        await wakeups.wait(for: .presence, atMost: Self.never)

        let duration = await clock.measure { await wakeups.wait(for: .presence, atMost: .milliseconds(30)) }

        #expect(duration >= .milliseconds(30))
    }

    @Test func topicsAreApart() async {
        let wakeups = Wakeups()
        wakeups.signal(.messages)

        let duration = await ContinuousClock().measure {
            await wakeups.wait(for: .attachments, atMost: .milliseconds(30))
        }

        #expect(duration >= .milliseconds(30))
    }

    @Test(.timeLimit(.minutes(15))) func cancellationEndsAWait() async {
        let wakeups = Wakeups()
        let task = Task { await wakeups.wait(for: .deliveries, atMost: Self.never) }

        task.cancel()

        await task.value
    }
}
