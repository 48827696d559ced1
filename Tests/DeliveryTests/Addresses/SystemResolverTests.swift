import NIOCore
import Synchronization
import Testing

@testable import Delivery

@Suite struct SystemResolverTests {
    @Test func localhostResolvesToLoopback() async throws {
        let resolver = SystemResolver()
        defer { resolver.shutdown() }

        let addresses = try await resolver.resolve("localhost", within: .seconds(10))

        #expect(addresses.contains(IPAddress(v4: 0x7F00_0001)) || addresses.contains(IPAddress(v6: 1)))
    }

    @Test func theCallersLimitHoldsWhileTheLookupBlocks() async throws {
        let lookup = BlockingLookup()
        let resolver = SystemResolver(threadCount: 1) { lookup($0) }
        defer { lookup.release(); resolver.shutdown() }
        let start = ContinuousClock.now

        await #expect(throws: ResolutionError.timedOut) {
            try await resolver.resolve("a", within: .milliseconds(50))
        }
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    @Test func aLimitOfNothingEnds() async {
        let lookup = BlockingLookup()
        let resolver = SystemResolver(threadCount: 1) { lookup($0) }
        defer { lookup.release(); resolver.shutdown() }

        await #expect(throws: ResolutionError.timedOut) { try await resolver.resolve("a", within: .zero) }
    }

    @Test func cancellationEndsTheWait() async {
        let lookup = BlockingLookup()
        let resolver = SystemResolver(threadCount: 1) { lookup($0) }
        defer { lookup.release(); resolver.shutdown() }

        let task = Task { try await resolver.resolve("a", within: .seconds(60)) }
        task.cancel()

        await #expect(throws: ResolutionError.cancelled) { try await task.value }
    }

    @Test func manyCallersShareOneLookupThoughSomeLeaveIt() async throws {
        let lookup = BlockingLookup()
        let resolver = SystemResolver(threadCount: 4) { lookup($0) }
        defer { resolver.shutdown() }

        let timeouts = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    do throws(ResolutionError) {
                        _ = try await resolver.resolve("a", within: .milliseconds(100))
                        return false
                    } catch {
                        return error == .timedOut
                    }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        lookup.release()
        let addresses = try await resolver.resolve("a", within: .seconds(30))

        #expect(timeouts == 20)
        #expect(addresses == [IPAddress(v4: 0x0101_0101)])
        #expect(lookup.calls.withLock { $0 } == 1)
    }

    @Test func answersAreRememberedUntilTheyExpire() async throws {
        let calls = Mutex(0)
        let seconds = Mutex<UInt64>(1)
        let resolver = SystemResolver(threadCount: 1) { _ in
            calls.withLock { $0 += 1 }
            return .success([IPAddress(v4: 1)])
        } now: {
            .uptimeNanoseconds(seconds.withLock { $0 } * 1_000_000_000)
        }
        defer { resolver.shutdown() }

        for second in [1, 30, 31] as [UInt64] {
            seconds.withLock { $0 = second }
            _ = try await resolver.resolve("a", within: .seconds(10))
        }

        #expect(calls.withLock { $0 } == 2)
    }

    @Test func shutdownEndsEveryWait() async {
        let lookup = BlockingLookup()
        let resolver = SystemResolver(threadCount: 1) { lookup($0) }
        defer { lookup.release() }

        let waiting = Task { try await resolver.resolve("a", within: .seconds(60)) }
        while lookup.calls.withLock({ $0 }) == 0 { await Task.yield() }
        resolver.shutdown()

        await #expect(throws: ResolutionError.unavailable) { try await waiting.value }
        await #expect(throws: ResolutionError.unavailable) { try await resolver.resolve("b", within: .seconds(60)) }
    }
}
