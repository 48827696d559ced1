import HTTPSMSWebhooks
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// What the dispatcher decides, without a store: inputs and times go in, actions come out.
struct DispatcherCoreTests {
    @Test func aScanThatHangsStopsNoClaim() {
        var dispatcher = Subject()
        #expect(dispatcher.next() == ["scan", "clear"])
        dispatcher.pass(.seconds(30))
        dispatcher.handle(.hinted(dispatcher.endpoint))

        #expect(dispatcher.next() == ["claim 16"])
    }

    @Test(arguments: [DispatcherCore.Job.scan, .clear, .repair]) func workThatFailsStopsNoClaim(
        job: DispatcherCore.Job
    ) {
        var dispatcher = Subject()
        _ = dispatcher.next()
        #expect(dispatcher.handle(.failed(job, Broken())) == ["failing \(job)"])
        dispatcher.handle(.hinted(dispatcher.endpoint))

        #expect(dispatcher.next() == ["claim 16"])
        #expect(dispatcher.handle(.failed(job, Broken())) == [], "it is said once")
    }

    @Test func whatFailedIsTriedAgainAfterAScansInterval() {
        var dispatcher = Subject()
        _ = dispatcher.next()
        dispatcher.handle(.failed(.scan, Broken()))
        dispatcher.pass(.milliseconds(999))
        #expect(dispatcher.next() == [])
        #expect(dispatcher.pause() == .milliseconds(1))

        dispatcher.pass(.milliseconds(1))

        #expect(dispatcher.next() == ["scan"])
    }

    @Test func aNameIsLookedUpOnceAndClaimedForAfterwards() {
        var dispatcher = Subject()
        dispatcher.handle(.hinted(dispatcher.endpoint))
        _ = dispatcher.next()
        #expect(dispatcher.handle(.claimed([.nameUnknown(dispatcher.target)])) == ["look up"])
        dispatcher.handle(.hinted(dispatcher.endpoint))
        #expect(dispatcher.next() == ["claim 16"])
        #expect(dispatcher.handle(.claimed([.nameUnknown(dispatcher.target)])) == [])
        #expect(dispatcher.next() == [])

        dispatcher.handle(.lookedUp(dispatcher.endpoint, .first, isKnown: true))

        #expect(dispatcher.next() == ["claim 16"])
    }

    @Test func aHintThatCameDuringAScanOutlivesIt() {
        var dispatcher = Subject()
        _ = dispatcher.next()
        dispatcher.handle(.hinted(dispatcher.endpoint))
        dispatcher.handle(.scanned([]))

        #expect(dispatcher.next() == ["claim 16"])
    }

    @Test func aHintThatCameDuringAClaimOutlivesIt() {
        var dispatcher = Subject()
        dispatcher.handle(.hinted(dispatcher.endpoint))
        _ = dispatcher.next()
        dispatcher.handle(.hinted(dispatcher.endpoint))
        dispatcher.handle(.claimed([.taken(dispatcher.target, [])]))

        #expect(dispatcher.next() == ["claim 16"])
    }

    @Test func aRepairNeverRunsBesideAClaim() {
        var dispatcher = Subject()
        _ = dispatcher.next()
        dispatcher.handle(.scanned([]))
        dispatcher.handle(.hinted(dispatcher.endpoint))
        #expect(dispatcher.next() == ["claim 16"])
        dispatcher.pass(.seconds(61))
        #expect(dispatcher.next() == ["scan"])
        #expect(dispatcher.pause() == .seconds(1), "it does not spin")
        dispatcher.handle(.claimed([.taken(dispatcher.target, [])]))
        dispatcher.handle(.hinted(dispatcher.endpoint))

        #expect(dispatcher.next() == ["repair 0"])
        dispatcher.handle(.repaired([]))
        #expect(dispatcher.next() == ["claim 16"])
    }

    @Test func aClaimWhoseAnswerWasLostIsRepairedAtOnce() {
        var dispatcher = Subject()
        _ = dispatcher.next()
        dispatcher.handle(.scanned([]))
        dispatcher.handle(.cleared(mayHaveMore: false))
        dispatcher.handle(.hinted(dispatcher.endpoint))
        _ = dispatcher.next()
        dispatcher.handle(.failed(.claim, Broken()))
        dispatcher.pass(.seconds(1))

        #expect(dispatcher.next() == ["scan", "clear", "repair 0"])
        #expect(dispatcher.handle(.repaired([DeliveryID(trusted: "d")])) == ["orphans 1 explained"])
    }

    @Test func whatIsClaimedWhileItStopsIsHandedBack() {
        var dispatcher = Subject()
        dispatcher.handle(.hinted(dispatcher.endpoint))
        #expect(dispatcher.next().last == "claim 16")
        dispatcher.handle(.stopping)
        #expect(!dispatcher.core.isOver)
        #expect(dispatcher.next() == [])

        #expect(dispatcher.handle(.claimed([.taken(dispatcher.target, [dispatcher.claim()])])) == ["giveBack"])
        #expect(dispatcher.core.isOver)
    }

    @Test func nothingIsClaimedThatTheLeaseMayNotOutlive() {
        var dispatcher = Subject()
        dispatcher.handle(.hinted(dispatcher.endpoint))
        dispatcher.leaseLeft = .milliseconds(5_999)
        #expect(dispatcher.next() == ["scan", "clear"])
        dispatcher.leaseLeft = .seconds(6)

        #expect(dispatcher.next() == ["claim 16"])
    }

    @Test func clearingGoesOnAtOnceWhileThereIsMore() {
        var dispatcher = Subject()
        _ = dispatcher.next()
        dispatcher.handle(.scanned([]))
        dispatcher.handle(.cleared(mayHaveMore: true))

        #expect(dispatcher.next() == ["clear"])
        dispatcher.handle(.cleared(mayHaveMore: false))
        #expect(dispatcher.next() == [])
    }

    @Test(arguments: [(0, "later 1.0 seconds"), (400, "later 0.6 seconds"), (1_000, "attempt")] as [(Int, String)])
    func aRetryThatAStepOfTheClockMadeDueWaitsForItsSecond(passed: Int, action: String) {
        var dispatcher = Subject()
        dispatcher.pass(.seconds(2))
        dispatcher.handle(.hinted(dispatcher.endpoint))
        _ = dispatcher.next()
        dispatcher.handle(.claimed([.taken(dispatcher.target, [dispatcher.claim()])]))
        let retryAt = dispatcher.clock.now() + .seconds(2)
        dispatcher.handle(
            .stored(.init(id: dispatcher.claim().id, endpoint: dispatcher.endpoint, signal: .neutral, retryAt: retryAt))
        )
        dispatcher.pass(.milliseconds(passed))
        dispatcher.clock.step(by: .seconds(3_600))
        #expect(dispatcher.next().last == "claim 16")

        let claim = dispatcher.claim(attempt: 2)

        #expect(dispatcher.handle(.claimed([.taken(dispatcher.target, [claim])])) == [action])
    }

    @Test func whatAnotherProcessTriedIsLeftForASecondAfterTheStart() {
        var dispatcher = Subject()
        dispatcher.pass(.milliseconds(300))
        dispatcher.handle(.hinted(dispatcher.endpoint))
        _ = dispatcher.next()

        let claims = [dispatcher.claim(attempt: 2), dispatcher.claim(attempt: 1)]

        #expect(
            dispatcher.handle(.claimed([.taken(dispatcher.target, claims)])) == ["later 0.7 seconds", "attempt"])
    }
}

private struct Broken: Error {}

/// A core whose actions are told as short words.
private struct Subject {
    let endpoint = EndpointID(trusted: "e")
    let lease = Lease(at: Timestamp(microseconds: 0))
    let clock = SteppableClock()
    var leaseLeft: Duration?
    var core: DispatcherCore

    init() {
        core = DispatcherCore(limits: .forTests, scanInterval: .seconds(1), at: clock.boot())
    }

    var target: Endpoint {
        Endpoint(
            id: endpoint, userID: UserID("u"), url: "https://a.example/", signingKey: nil, eventTypes: [], owners: [],
            createdAt: clock.now(), updatedAt: clock.now())
    }

    private var term: OwnLease.Term { .init(lease: lease, end: leaseLeft.map { clock.boot() + $0 }) }

    func claim(attempt: Int = 1) -> ClaimedDelivery {
        ClaimedDelivery(
            id: DeliveryID(trusted: "d"), lease: lease, eventID: EventID(trusted: "v"), endpointID: endpoint,
            eventType: "t", sequence: 1, attempt: attempt, step: 0, createdAt: clock.now(), body: [])
    }

    func pass(_ duration: Duration) { clock.pass(duration) }

    mutating func next() -> [String] { core.next(at: clock.instants(), under: term).map(word) }

    func pause() -> Duration { core.pause(at: clock.instants(), under: term) }

    @discardableResult
    mutating func handle(_ input: DispatcherCore.Input) -> [String] {
        core.handle(input, at: clock.instants()).map(word)
    }

    private func word(_ action: DispatcherCore.Action) -> String {
        switch action {
        case .claim(let requests): "claim \(requests.map(\.limit).reduce(0, +))"
        case .scan: "scan"
        case .clear: "clear"
        case .repair(let held): "repair \(held.count)"
        case .attempt: "attempt"
        case .attemptLater(_, _, let wait): "later \(wait)"
        case .lookUp: "look up"
        case .giveBack: "giveBack"
        case .share: "share"
        case .report(.failing(let job, _)): "failing \(job)"
        case .report(.orphans(let ids, let isExplained)): "orphans \(ids.count) \(isExplained ? "explained" : "")"
        case .report: "report"
        }
    }
}
