import NIOCore
import Testing

@testable import Delivery

@Suite struct IdleConnectionsTests {
    private final class Fake {}

    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private let address = IPAddress(v4: 1)

    private func key(_ name: String) throws -> PoolKey { PoolKey(try request("http://h/", poolKey: name)) }

    @Test func theMostRecentlyUsedConnectionIsTaken() throws {
        var idle = IdleConnections<Fake>()
        let older = Fake()
        let newer = Fake()
        #expect(idle.put(older, try key("a"), address: address, established: start, at: start))
        #expect(idle.put(newer, try key("a"), address: address, established: start, at: start))

        #expect(idle.take(try key("a"), to: [address], at: start) === newer)
        #expect(idle.take(try key("a"), to: [address], at: start) === older)
        #expect(idle.take(try key("a"), to: [address], at: start) == nil)
        #expect(idle.count == 0)
    }

    @Test func anAddressThatIsNoLongerVettedIsNotUsed() throws {
        var idle = IdleConnections<Fake>()
        #expect(idle.put(Fake(), try key("a"), address: address, established: start, at: start))

        #expect(idle.take(try key("a"), to: [IPAddress(v4: 2)], at: start) == nil)
        #expect(idle.take(try key("b"), to: [address], at: start) == nil)
        #expect(idle.count == 1)
    }

    @Test func aReceiverThatIsDistrustedKeepsNoConnectionForAMinute() throws {
        var idle = IdleConnections<Fake>()
        let resting = Fake()
        #expect(idle.put(resting, try key("a"), address: address, established: start, at: start))

        #expect(idle.distrust(try key("a"), at: start).map { $0 === resting } == [true])

        #expect(idle.count == 0)
        for (key, seconds, isKept) in [("a", 0, false), ("b", 0, true), ("a", 59, false), ("a", 60, true)] {
            let now = start + .seconds(Int64(seconds))
            #expect(idle.put(Fake(), try self.key(key), address: address, established: now, at: now) == isKept)
        }
    }

    @Test func distrustIsBounded() throws {
        var idle = IdleConnections<Fake>()
        for index in 0...SenderLimits.distrustedKeys {
            _ = idle.distrust(try key("\(index)"), at: start + .nanoseconds(Int64(index)))
        }

        let now = start + .seconds(1)
        #expect(idle.put(Fake(), try key("0"), address: address, established: now, at: now), "the oldest is forgotten")
        #expect(!idle.put(Fake(), try key("1"), address: address, established: now, at: now))
    }

    @Test func idlenessEndsAfterOneAndAHalfSeconds() throws {
        var idle = IdleConnections<Fake>()
        let connection = Fake()
        #expect(idle.put(connection, try key("a"), address: address, established: start, at: start))

        #expect(idle.removeExpired(at: start + .milliseconds(1_499)).isEmpty)
        #expect(idle.take(try key("a"), to: [address], at: start + .milliseconds(1_500)) == nil)
        #expect(idle.removeExpired(at: start + .milliseconds(1_500)).first === connection)
        #expect(idle.count == 0)
    }

    @Test func aConnectionIsKeptForFiveMinutesInAll() throws {
        var idle = IdleConnections<Fake>()
        let end = start + .minutes(5)

        #expect(idle.put(Fake(), try key("a"), address: address, established: start, at: end - .nanoseconds(1)))
        #expect(idle.take(try key("a"), to: [address], at: end) == nil)
        #expect(!idle.put(Fake(), try key("b"), address: address, established: start, at: end))
    }

    @Test func bothBoundsHold() throws {
        var idle = IdleConnections<Fake>()
        let keys = try (0..<17).map { try key("\($0)") }
        var kept: [Int] = []
        for key in keys {
            kept.append(
                (0..<65).count { _ in idle.put(Fake(), key, address: address, established: start, at: start) })
        }

        #expect(kept == Array(repeating: 64, count: 16) + [0])
        #expect(idle.count == 1_024)
        #expect(idle.removeAll().count == 1_024)
        #expect(idle.count == 0)
    }

    @Test func aConnectionThatEndedIsForgotten() throws {
        var idle = IdleConnections<Fake>()
        let connection = Fake()
        #expect(idle.put(connection, try key("a"), address: address, established: start, at: start))

        idle.remove(connection, try key("a"))
        idle.remove(connection, try key("a"))

        #expect(idle.count == 0)
        #expect(idle.take(try key("a"), to: [address], at: start) == nil)
    }
}
