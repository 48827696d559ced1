import Storage
import Testing
import Timestamps

@testable import Delivery

struct ReadySetTests {
    private let now = Timestamp(microseconds: 1_784_715_329_814_000)
    private let a = EndpointID(trusted: "a")
    private let b = EndpointID(trusted: "b")

    private func limits(slots: Int = 256, window: Int = 16, quantum: Int = 16) -> ReadySet.Limits {
        var limits = ReadySet.Limits()
        limits.slots = slots
        limits.firstWindow = window
        limits.lastWindow = max(window, limits.lastWindow)
        limits.quantum = quantum
        limits.newcomers = 1
        return limits
    }

    private func first(_ endpoint: EndpointID, _ limit: Int) -> ReadySet.Request {
        ReadySet.Request(endpoint: endpoint, lane: .first, limit: limit)
    }

    private func retry(_ endpoint: EndpointID, _ limit: Int) -> ReadySet.Request {
        ReadySet.Request(endpoint: endpoint, lane: .retry, limit: limit)
    }

    @Test func nothingIsPlannedForNobody() {
        var ready = ReadySet(limits: limits())

        #expect(ready.plan(at: now) == [])
        #expect(ready.nextDue == nil)
    }

    @Test func aBacklogTakesAQuantumATurnAndTheOtherItsOwn() {
        var ready = ReadySet(limits: limits(slots: 20, window: 128))
        ready.replace(with: [backlog(a), backlog(b)], at: now)

        let requests = ready.plan(at: now)

        #expect(Set(requests.map(\.endpoint)) == [a, b])
        #expect(requests.map(\.limit) == [16, 4])
    }

    @Test func endpointsTakeTurns() {
        var ready = ReadySet(limits: limits(slots: 4, window: 128, quantum: 4))
        ready.replace(with: [backlog(a), backlog(b)], at: now)

        var turns: [EndpointID] = []
        for _ in 0..<6 {
            let requests = ready.plan(at: now)
            turns += requests.map(\.endpoint)
            for request in requests {
                ready.claimed(request, count: request.limit, at: now)
                for _ in 0..<request.limit { ready.finished(request.endpoint, .neutral, retryAt: nil, at: now) }
            }
        }

        #expect(turns == [turns[0], turns[1], turns[0], turns[1], turns[0], turns[1]])
        #expect(turns[0] != turns[1])
    }

    @Test func anEndpointAloneTakesItsWholeWindow() {
        var ready = ReadySet(limits: limits(window: 100))
        ready.add(a, lane: .first, dueAt: now)

        #expect(ready.plan(at: now) == [first(a, 100)])
    }

    @Test func aFullWindowWaitsForAResult() {
        var ready = ReadySet(limits: limits(window: 2))
        ready.add(a, lane: .first, dueAt: now)
        for request in ready.plan(at: now) { ready.claimed(request, count: 2, at: now) }

        #expect(ready.plan(at: now) == [])
        #expect(ready.nextDue == nil, "what the clock cannot help must not be waited for by the clock")

        ready.finished(a, .neutral, retryAt: nil, at: now)
        #expect(ready.plan(at: now) == [first(a, 1)])
    }

    @Test func usedSlotsWaitForAResult() {
        var ready = ReadySet(limits: limits(slots: 2))
        ready.add(a, lane: .first, dueAt: now)
        for request in ready.plan(at: now) { ready.claimed(request, count: 2, at: now) }
        ready.add(b, lane: .first, dueAt: now)

        #expect(ready.plan(at: now) == [])
        #expect(ready.nextDue == nil)

        ready.finished(a, .neutral, retryAt: nil, at: now)
        #expect(ready.plan(at: now).count == 1)
    }

    @Test func slotsThatWereNotNeededAreFreeAgain() {
        var ready = ReadySet(limits: limits(slots: 16))
        ready.add(a, lane: .first, dueAt: now)

        for request in ready.plan(at: now) { ready.claimed(request, count: 1, at: now) }

        #expect(ready.freeSlots == 15)
        #expect(ready.plan(at: now) == [], "fewer than asked for means that none is left")
    }

    @Test func whatFillsItsRequestMayHaveMore() {
        var ready = ReadySet(limits: limits(window: 4))
        ready.add(a, lane: .first, dueAt: now)
        for request in ready.plan(at: now) { ready.claimed(request, count: 4, at: now) }

        ready.finished(a, .neutral, retryAt: nil, at: now)

        #expect(ready.plan(at: now) == [first(a, 1)])
    }

    @Test func slowEndpointsShareAQuarter() {
        var ready = ReadySet(limits: limits(slots: 16))
        let slow = (0..<10).map { EndpointID(trusted: "slow-\($0)") }
        for endpoint in slow { makeSlow(endpoint, &ready) }
        for endpoint in slow + [a] { ready.add(endpoint, lane: .first, dueAt: now) }
        ready.replace(with: (slow + [a]).map(backlog), at: now)

        let requests = ready.plan(at: now)

        let slowSlots = requests.filter { $0.endpoint != a }.map(\.limit).reduce(0, +)
        #expect(slowSlots <= 4)
        #expect(requests.contains { $0.endpoint == a && $0.limit >= 12 })
    }

    @Test func anEndpointIsSlowUntilAnAttemptDoesNotTimeOut() {
        var ready = ReadySet(limits: limits(slots: 8, window: 8))
        makeSlow(a, &ready)
        ready.add(a, lane: .first, dueAt: now)
        for request in ready.plan(at: now) { ready.claimed(request, count: request.limit, at: now) }
        #expect(ready.freeSlots == 6)

        ready.finished(a, .neutral, retryAt: nil, at: now)

        #expect(ready.plan(at: now) == [first(a, 3)], "half of the window of 8, less the one in flight")
    }

    @Test func aSlowEndpointGetsASlotHoweverFewThereAre() {
        var ready = ReadySet(limits: limits(slots: 2))
        makeSlow(a, &ready)

        ready.add(a, lane: .first, dueAt: now)

        #expect(ready.plan(at: now) == [first(a, 1)])
    }

    @Test func oneTurnInEightIsARetrys() {
        let lanes = lanes(firstDue: now, retryDue: now, turns: 16)

        #expect(lanes.filter { $0 == .retry }.count == 2)
    }

    @Test func aRetryThatWaitedFiveSecondsGoesFirstAndLeavesOneTurnInEight() {
        // However long first attempts have been waiting.
        let lanes = lanes(firstDue: now - .seconds(60), retryDue: now - .seconds(5), turns: 16)

        #expect(lanes.filter { $0 == .first }.count == 2)
    }

    @Test func aRetryThatWaitedLessDoesNot() {
        let lanes = lanes(firstDue: now, retryDue: now - .microseconds(4_999_999), turns: 7)

        #expect(lanes == Array(repeating: .first, count: 7))
    }

    @Test func aRetryAloneNeedNotWait() {
        #expect(lanes(firstDue: nil, retryDue: now, turns: 3) == [.retry, .retry, .retry])
    }

    @Test func aRetryIsPlannedWhenItIsDueAndNotBefore() {
        var ready = ReadySet(limits: limits())
        let later = now + .seconds(2)
        ready.add(a, lane: .retry, dueAt: later)

        #expect(ready.plan(at: later - .microseconds(1)) == [])
        #expect(ready.nextDue == later)
        #expect(ready.plan(at: later) == [retry(a, 16)])
    }

    @Test func aRetryOfThePastIsPlannedAtOnce() {
        var ready = ReadySet(limits: limits())

        ready.add(a, lane: .retry, dueAt: now - .seconds(3_600))

        #expect(ready.plan(at: now) == [retry(a, 16)])
    }

    @Test func anEarlierRetryComesForward() {
        var ready = ReadySet(limits: limits())
        ready.add(a, lane: .retry, dueAt: now + .seconds(60))
        _ = ready.plan(at: now)

        ready.add(a, lane: .retry, dueAt: now + .seconds(2))

        #expect(ready.nextDue == now + .seconds(2))
    }

    @Test func aRetryIsWaitedForBehindAnEmptyLane() {
        var ready = ReadySet(limits: limits())
        ready.add(a, lane: .first, dueAt: now)
        ready.add(a, lane: .retry, dueAt: now + .seconds(2))
        for request in ready.plan(at: now) { ready.claimed(request, count: 0, at: now) }

        #expect(ready.plan(at: now) == [])
        #expect(ready.nextDue == now + .seconds(2))
    }

    @Test func aScanReplacesWhatIsKnown() {
        var ready = ReadySet(limits: limits())
        ready.add(a, lane: .first, dueAt: now)

        ready.replace(with: [backlog(b)], at: now)

        #expect(ready.plan(at: now) == [first(b, 16)])
    }

    @Test func aScanForgetsNothingThatIsInFlight() {
        var ready = ReadySet(limits: limits(slots: 4, window: 3))
        ready.add(a, lane: .first, dueAt: now)
        for request in ready.plan(at: now) { ready.claimed(request, count: 3, at: now) }

        ready.replace(with: [], at: now)
        ready.replace(with: [backlog(a)], at: now)

        #expect(ready.freeSlots == 1)
        #expect(ready.plan(at: now) == [], "the window is as full as before")
        for _ in 0..<3 { ready.finished(a, .neutral, retryAt: nil, at: now) }
        #expect(ready.freeSlots == 4)
    }

    @Test func whatTheScanFindsHeldIsNotPlanned() {
        var ready = ReadySet(limits: limits())

        ready.replace(with: [DeliveryQueries.Backlog(endpoint: a, dueAt: [:])], at: now)

        #expect(ready.plan(at: now) == [])
        #expect(ready.nextDue == nil)
    }

    @Test func firstAttemptsAreDueWhenTheClockWasSetBackButRetriesWait() {
        var ready = ReadySet(limits: limits())
        let anHourAhead = now + .seconds(3_600)

        ready.replace(
            with: [DeliveryQueries.Backlog(endpoint: a, dueAt: [.first: anHourAhead, .retry: anHourAhead])], at: now)

        let requests = ready.plan(at: now)
        #expect(requests == [first(a, 16)])
        for request in requests { ready.claimed(request, count: 0, at: now) }
        #expect(ready.plan(at: now) == [])
        #expect(ready.nextDue == anHourAhead)
    }

    @Test func theEndOfAnOrderedDeliveryLetsTheNextGo() {
        var ready = ReadySet(limits: limits())
        let ordered = Endpoint(
            id: a, userID: UserID("user-1"), url: "https://receiver.example", signingKey: nil, eventTypes: [],
            owners: [], ordering: .message, createdAt: now, updatedAt: now)
        ready.add(a, lane: .first, dueAt: now)
        for request in ready.plan(at: now) { ready.claimed(request, count: 1, of: ordered, at: now) }
        #expect(ready.plan(at: now) == [])

        ready.finished(a, .neutral, retryAt: nil, at: now)

        #expect(ready.plan(at: now) == [first(a, 16)])
    }

    private func backlog(_ endpoint: EndpointID) -> DeliveryQueries.Backlog {
        DeliveryQueries.Backlog(endpoint: endpoint, dueAt: [.first: now], hasSucceeded: true)
    }

    private func makeSlow(_ endpoint: EndpointID, _ ready: inout ReadySet) {
        ready.add(endpoint, lane: .first, dueAt: now)
        for request in ready.plan(at: now) {
            ready.claimed(request, count: request.endpoint == endpoint ? 1 : 0, at: now)
        }
        ready.finished(endpoint, .timedOut, retryAt: nil, at: now)
    }

    /// The lanes of so many turns of one endpoint with endless work in both.
    private func lanes(firstDue: Timestamp?, retryDue: Timestamp, turns: Int) -> [DeliveryLane] {
        var ready = ReadySet(limits: limits(slots: 1))
        if let firstDue { ready.add(a, lane: .first, dueAt: firstDue) }
        ready.add(a, lane: .retry, dueAt: retryDue)
        return (0..<turns).flatMap { _ in
            let requests = ready.plan(at: now)
            for request in requests {
                ready.claimed(request, count: 1, at: now)
                ready.finished(request.endpoint, .neutral, retryAt: nil, at: now)
            }
            return requests.map(\.lane)
        }
    }
}
