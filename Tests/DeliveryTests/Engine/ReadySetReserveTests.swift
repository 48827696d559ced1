import Storage
import Testing
import Timestamps

@testable import Delivery

/// What is left for others of those who hold slots without an end.
struct ReadySetReserveTests {
    private let now = Timestamp(microseconds: 1_784_715_329_814_000)

    private func limits(window: Int, slots: Int = 256) -> ReadySet.Limits {
        var limits = ReadySet.Limits()
        limits.slots = slots
        limits.firstWindow = window
        limits.newcomers = 1
        return limits
    }

    private func endpoints(_ name: String, _ count: Int) -> [EndpointID] {
        (0..<count).map { EndpointID(trusted: "\(name)-\($0)") }
    }

    /// One that answered within a second until now.
    private func backlog(_ endpoint: EndpointID, of account: String?) -> DeliveryQueries.Backlog {
        DeliveryQueries.Backlog(
            endpoint: endpoint, userID: account.map { UserID($0) }, dueAt: [.first: now - .seconds(60)],
            hasSucceeded: true)
    }

    /// Claims all that the set lets go, none of which ends, and gives how many slots each has then.
    private func hang(_ ready: inout ReadySet, of user: String? = nil) -> [EndpointID: Int] {
        var counts: [EndpointID: Int] = [:]
        while true {
            let requests = ready.plan(at: now)
            if requests.isEmpty { return counts }
            for request in requests {
                counts[request.endpoint, default: 0] += request.limit
                let endpoint = user.map { self.endpoint(request.endpoint, of: $0) }
                ready.claimed(request, count: request.limit, of: endpoint, at: now)
            }
        }
    }

    private func endpoint(_ id: EndpointID, of user: String) -> Endpoint {
        Endpoint(
            id: id, userID: UserID(user), url: "https://receiver.example", signingKey: nil, eventTypes: [], owners: [],
            createdAt: now, updatedAt: now)
    }

    @Test func anEndpointAloneHasHalfOfTheSlotsAtOnce() {
        var ready = ReadySet(limits: limits(window: 128))
        let alone = endpoints("alone", 1)[0]
        ready.replace(with: [backlog(alone, of: "a")], at: now)

        #expect(ready.plan(at: now).map(\.limit) == [128])
    }

    @Test func twoThatHangLeaveAThirdSomeAtOnce() {
        var ready = ReadySet(limits: limits(window: 128))
        let wide = endpoints("wide", 2)
        ready.replace(with: wide.map { backlog($0, of: $0.text) }, at: now)
        let counts = hang(&ready)
        #expect(counts == [wide[0]: 96, wide[1]: 96])
        #expect(ready.unserved.sorted() == wide, "another node may have slots for them")

        let third = EndpointID(trusted: "third")
        ready.add(third, lane: .first, dueAt: now)

        #expect(ready.plan(at: now) == [ReadySet.Request(endpoint: third, lane: .first, limit: 8)])
    }

    @Test func whatTheyHaveNoMoreOfTheyTakeAgain() {
        var ready = ReadySet(limits: limits(window: 128))
        let wide = endpoints("wide", 2)
        ready.replace(with: wide.map { backlog($0, of: $0.text) }, at: now)
        _ = hang(&ready)

        for _ in 0..<3 { ready.finished(wide[0], .neutral, retryAt: nil, at: now) }

        #expect(ready.plan(at: now).map(\.limit).reduce(0, +) == 3)
    }

    /// Also of an endpoint that stands for the account's alerts.
    @Test func manySmallOnesOfOneAccountLeaveOthersSome() {
        var ready = ReadySet(limits: limits(window: 8))
        let small = endpoints("small", 40)
        let accounts = ["one", "alerts of one", "callbacks of one"]
        ready.replace(with: small.enumerated().map { backlog($1, of: accounts[$0 % 3]) }, at: now)
        _ = hang(&ready)
        #expect(ready.freeSlots == 32)

        let (second, third) = (endpoints("second", 3), endpoints("third", 3))
        var backlogs = small.map { backlog($0, of: "one") }
        backlogs += second.map { backlog($0, of: "two") }
        backlogs += third.map { backlog($0, of: "three") }
        ready.replace(with: backlogs, at: now)
        let counts = hang(&ready)

        #expect(second.compactMap { counts[$0] }.reduce(0, +) == 16)
        #expect(third.compactMap { counts[$0] }.reduce(0, +) == 16)
        #expect(ready.freeSlots == 0 && small.allSatisfy { counts[$0] == nil })
    }

    /// Only the claims tell whose they are.
    @Test func anAccountIsKnownFromItsClaimsOn() {
        var ready = ReadySet(limits: limits(window: 8))
        let small = endpoints("small", 32)
        ready.replace(with: small.map { backlog($0, of: nil) }, at: now)
        _ = hang(&ready, of: "one")
        #expect(ready.freeSlots == 0, "each counted as an account of its own")
        #expect(ready.taken.byAccount == [UserID("one"): 256])

        for endpoint in small.prefix(4) {
            for _ in 0..<8 { ready.finished(endpoint, .neutral, retryAt: nil, at: now) }
        }
        #expect(ready.plan(at: now).isEmpty, "the account has more than its part")
        ready.add(EndpointID(trusted: "other"), lane: .first, dueAt: now)

        #expect(ready.plan(at: now).map(\.limit) == [8])
    }

    @Test(
        arguments: [
            (256, [64, 32, 8, 16]), (64, [16, 8, 2, 4]), (32, [8, 4, 1, 2]), (31, [0, 0, 0, 1]), (1, [0, 0, 0, 0]),
        ] as [(Int, [Int])]) func theReserveGoesByTheSlots(slots: Int, expected: [Int])
    {
        let limits = limits(window: 1, slots: slots)

        #expect(
            [limits.reservedSlots, limits.reservedForAccounts, limits.fewForEndpoint, limits.fewForAccount] == expected)
    }

    /// Everybody comes to something, and all slots are used in the end.
    @Test(arguments: [1, 4, 20, 31, 32, 40]) func fewSlotsStarveNobody(slots: Int) {
        var ready = ReadySet(limits: limits(window: 128, slots: slots))
        let all = endpoints("e", 5)
        ready.replace(with: all.map { backlog($0, of: $0.text) }, at: now)

        var served: Set<EndpointID> = []
        for _ in 0..<20 {
            for (endpoint, count) in hang(&ready) {
                served.insert(endpoint)
                for _ in 0..<count { ready.finished(endpoint, .succeeded, retryAt: nil, at: now) }
            }
        }

        #expect(served == Set(all))
        #expect(ready.freeSlots == slots)
    }
}
