import Storage
import Testing
import Timestamps

@testable import Delivery

/// Whose turn it is beside backlogs, newcomers and the slow.
struct ReadySetFairnessTests {
    private let now = Timestamp(microseconds: 1_784_715_329_814_000)
    private let quiet = EndpointID(trusted: "quiet")

    private func endpoints(_ count: Int) -> [EndpointID] { (0..<count).map { EndpointID(trusted: "other-\($0)") } }

    private func backlog(
        _ endpoint: EndpointID, since age: Duration = .seconds(60), isKnown: Bool = true, isFailing: Bool = false
    ) -> DeliveryQueries.Backlog {
        DeliveryQueries.Backlog(
            endpoint: endpoint, dueAt: [.first: now - age], isFailing: isFailing, hasSucceeded: isKnown)
    }

    @Test func aFreshEventGoesBeforeBacklogs() {
        var limits = ReadySet.Limits()
        limits.slots = 1
        var ready = ReadySet(limits: limits)
        ready.replace(with: endpoints(50).map { backlog($0) }, at: now)
        for request in ready.plan(at: now) {
            ready.claimed(request, count: 1, at: now)
            ready.add(quiet, lane: .first, dueAt: now)
            ready.finished(request.endpoint, .neutral, retryAt: nil, at: now)
        }

        #expect(ready.plan(at: now).map(\.endpoint) == [quiet])
    }

    @Test func whatIsFreshAllTheTimeLeavesBacklogsATurnInFour() {
        var limits = ReadySet.Limits()
        limits.slots = 1
        var ready = ReadySet(limits: limits)
        let others = endpoints(3)
        ready.replace(with: others.map { backlog($0) }, at: now)
        let fresh = (0..<8).map { EndpointID(trusted: "fresh-\($0)") }

        var turns: [EndpointID] = []
        for _ in 0..<40 {
            for endpoint in fresh { ready.add(endpoint, lane: .first, dueAt: now) }
            for request in ready.plan(at: now) {
                turns.append(request.endpoint)
                ready.claimed(request, count: others.contains(request.endpoint) ? 1 : 0, at: now)
                if others.contains(request.endpoint) {
                    ready.finished(request.endpoint, .neutral, retryAt: nil, at: now)
                }
            }
        }

        #expect(turns.filter { others.contains($0) }.count >= 9)
        #expect(turns.filter { fresh.contains($0) }.count >= 28)
    }

    @Test func newcomersTogetherHaveAQuarterOfTheSlots() {
        var ready = ReadySet(limits: .init())
        ready.replace(with: endpoints(300).map { backlog($0, isKnown: false) } + [backlog(quiet)], at: now)

        let requests = ready.plan(at: now)

        #expect(requests.filter { $0.endpoint != quiet }.map(\.limit).reduce(0, +) == 64)
        #expect(requests.contains { $0.endpoint == quiet })
    }

    /// After a restart nobody but the store knows of them.
    @Test func thoseThatFailedBeforeARestartHaveAQuarterAndOneRequestEach() {
        var ready = ReadySet(limits: .init())
        ready.replace(with: endpoints(300).map { backlog($0, isFailing: true) } + [backlog(quiet)], at: now)

        let requests = ready.plan(at: now)

        let others = requests.filter { $0.endpoint != quiet }
        #expect(others.count == 64 && others.allSatisfy { $0.limit == 1 })
        #expect(requests.contains { $0.endpoint == quiet })
    }

    /// Whatever they answer in the end.
    @Test(arguments: [ReadySet.Signal.succeeded, .overloaded, .neutral])
    func thoseThatTakeLongLeaveAQuarterToTheQuick(signal: ReadySet.Signal) {
        var ready = ReadySet(limits: .init())
        let slow = endpoints(300)
        ready.replace(with: slow.map { backlog($0) }, at: now)
        // All answer, but take 2 s.
        var answered: Set<EndpointID> = []
        while answered.count < slow.count {
            for request in ready.plan(at: now) {
                ready.claimed(request, count: 1, at: now)
                ready.finished(request.endpoint, signal, took: .seconds(2), retryAt: nil, at: now)
                answered.insert(request.endpoint)
            }
        }
        ready.replace(with: slow.map { backlog($0) } + [backlog(quiet)], at: now)

        let requests = ready.plan(at: now)

        #expect(requests.filter { $0.endpoint != quiet }.map(\.limit).reduce(0, +) == 192)
        #expect(requests.contains { $0.endpoint == quiet })
    }

    @Test func whatIsHeldTakesNoTurn() {
        var limits = ReadySet.Limits()
        limits.firstWindow = 90
        limits.newcomers = 1
        var ready = ReadySet(limits: limits)
        let held = endpoints(1)[0]
        ready.add(held, lane: .first, dueAt: now)
        for request in ready.plan(at: now) { ready.claimed(request, count: 90, at: now) }
        ready.finished(held, .refused(until: now + .seconds(30)), retryAt: nil, at: now)
        #expect(ready.plan(at: now).isEmpty)
        ready.add(quiet, lane: .first, dueAt: now)

        #expect(ready.plan(at: now).map(\.limit) == [90], "all of its window, as nobody else waits for a turn")
    }

    @Test func theEndOfAHoldIsWaitedForByTheClock() {
        var ready = ReadySet(limits: .init())
        ready.add(quiet, lane: .first, dueAt: now)
        for request in ready.plan(at: now) { ready.claimed(request, count: 2, at: now) }
        for _ in 0..<2 { ready.finished(quiet, .refused(until: now + .seconds(30)), retryAt: nil, at: now) }

        #expect(ready.plan(at: now + .seconds(29)).isEmpty)
        #expect(ready.nextDue == now + .seconds(30))
        ready.clockWasSetBack(to: now - .seconds(3_600))
        #expect(!ready.plan(at: now - .seconds(3_600)).isEmpty, "the store says at the claim whether it is held")
    }
}
