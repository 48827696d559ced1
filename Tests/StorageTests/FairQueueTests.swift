import TestSupport
import Testing

@testable import Storage

struct FairQueueTests {
    private static let limits = FairQueue.Limits(running: 3, runningPerKey: 2, waiting: 8, waitingPerKey: 5)

    /// Adds a job for each key and gives what became of it.
    private func add(_ keys: String, to queue: inout FairQueue) -> [FairQueue.Admission] {
        keys.enumerated().map { queue.add(UInt64($0.offset), key: String($0.element), mayRun: true) }
    }

    @Test func oneKeyNeverTakesTheLastPlace() {
        var queue = FairQueue(Self.limits)

        #expect(add("aaab", to: &queue) == [.runs, .runs, .waits, .runs])
        let next = queue.next()
        #expect(next == nil)
    }

    @Test func keysTakeTurnsHoweverManyJobsTheyHave() {
        var queue = FairQueue(FairQueue.Limits(running: 1, runningPerKey: 1, waiting: 8, waitingPerKey: 5))
        _ = add("aaaabbc", to: &queue)
        var order: [UInt64?] = []

        for key in ["a", "a", "b", "c", "a", "b", "a"] {
            queue.finished(key)
            order.append(queue.next())
        }

        #expect(order == [1, 4, 6, 2, 5, 3, nil])
        #expect(queue.runningCount == 0)
    }

    @Test func aKeyAtItsBoundIsPassedOver() {
        var queue = FairQueue(Self.limits)
        _ = add("aaabb", to: &queue)

        queue.finished("b")

        let next = queue.next()
        #expect(next == 4)
    }

    @Test func whoWaitsIsBoundedPerKeyAndInAll() {
        var queue = FairQueue(Self.limits)

        let admissions = add("aaaaaaaabbbbbb", to: &queue)

        #expect(admissions[2...7].map(\.self) == [.waits, .waits, .waits, .waits, .waits, .keyIsFull])
        #expect(admissions[8...].map(\.self) == [.runs, .waits, .waits, .waits, .full, .full])
    }

    @Test func whoHasNothingThatWaitsIsLetInHoweverFullItIs() {
        var queue = FairQueue(FairQueue.Limits(running: 1, runningPerKey: 1, waiting: 2, waitingPerKey: 2))

        #expect(add("aaabbcd", to: &queue) == [.runs, .waits, .waits, .waits, .full, .waits, .waits])
    }

    @Test func whoGivesUpFreesItsPlaceAndIsNeverCalled() {
        var queue = FairQueue(FairQueue.Limits(running: 1, runningPerKey: 1, waiting: 2, waitingPerKey: 2))
        _ = add("abb", to: &queue)

        let removed = [queue.remove(1, key: "b"), queue.remove(1, key: "b")]
        let admission = queue.add(9, key: "b", mayRun: true)
        queue.finished("a")
        let next = queue.next()

        #expect(removed == [true, false])
        #expect(admission == .waits)
        #expect(next == 2)
        #expect(queue.waitingCount == 1)
    }

    /// Random jobs of random keys: bounds hold, nobody is forgotten, and a key waits for no more than one turn of each other.
    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func nobodyIsForgotten(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var queue = FairQueue(Self.limits)
        var (running, waiting): ([UInt64: String], [UInt64: String]) = ([:], [:])
        for job in 0..<2_000 as Range<UInt64> {
            let key = String(random.next() % 4)
            switch queue.add(job, key: key, mayRun: true) {
            case .runs: running[job] = key
            case .waits: waiting[job] = key
            case .keyIsFull, .full: break
            }
            if random.next() % 3 == 0, let (job, key) = waiting.first {
                waiting[job] = queue.remove(job, key: key) ? nil : key
            }
            if random.next() % 2 == 0, let (job, key) = running.first {
                running[job] = nil
                queue.finished(key)
            }
            while let next = queue.next() { running[next] = waiting.removeValue(forKey: next) }
            #expect(running.count <= 3 && running.count == queue.runningCount && waiting.count == queue.waitingCount)
            #expect(Dictionary(grouping: running.values, by: \.self).values.allSatisfy { $0.count <= 2 })
        }
        while let (job, key) = running.first {
            running[job] = nil
            queue.finished(key)
            while let next = queue.next() { running[next] = waiting.removeValue(forKey: next) }
        }
        #expect(waiting.isEmpty)
    }
}
