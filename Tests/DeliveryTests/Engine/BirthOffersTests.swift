import HTTPSMSWebhooks
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// What may be claimed at its birth, and what is known of it meanwhile, without a store.
struct BirthOffersTests {
    private let clock = SteppableClock()
    private let lease = Lease(at: Timestamp(microseconds: 0))

    @Test func placesAreTakenFreedAndForgotten() {
        let births = claims()
        let (endpoint, other) = (target("a"), target("b"))
        births.offerAtMost(3)
        births.offer(endpoint.id, .init(endpoint: endpoint, room: 2))
        births.offer(other.id, .init(endpoint: other, room: 2))

        var first = births.claim(DeliveryID(trusted: "1"), of: endpoint.id, version: 1)
        let second = births.claim(DeliveryID(trusted: "2"), of: endpoint.id, version: 1)
        #expect(first != nil && second != nil)
        #expect(births.claim(DeliveryID(trusted: "3"), of: endpoint.id, version: 1) == nil, "its window is full")
        let third = births.claim(DeliveryID(trusted: "4"), of: other.id, version: 1)
        #expect(third != nil)
        #expect(births.room(of: other.id) == 0, "all have three together")
        #expect(births.unborn == [DeliveryID(trusted: "1"), DeliveryID(trusted: "2"), DeliveryID(trusted: "4")])

        second?.handOver(delivery("2", endpoint))
        #expect(births.unborn.count == 3, "handed over is not taken in")
        #expect(words(births.take()) == ["born 2"])
        #expect(births.unborn == [DeliveryID(trusted: "1"), DeliveryID(trusted: "4")])
        #expect(births.room(of: endpoint.id) == 0, "it is under way")

        first = nil
        #expect(words(births.take()) == ["lost"])
        #expect(words(births.take()) == [])
        #expect(births.unborn == [DeliveryID(trusted: "4")])
        #expect(births.room(of: endpoint.id) == 1)
        withExtendedLifetime((second, third)) {}
    }

    @Test func nothingIsClaimedOfAnotherVersionOrOfANameThatIsNotKnown() {
        let endpoint = target("a")
        let (births, unknown) = (claims(), claims(.nothing))
        for claims in [births, unknown] {
            claims.offerAtMost(1)
            claims.offer(endpoint.id, .init(endpoint: endpoint, room: 1))
        }

        #expect(births.claim(DeliveryID(trusted: "1"), of: endpoint.id, version: 2) == nil)
        #expect(unknown.claim(DeliveryID(trusted: "1"), of: endpoint.id, version: 1) == nil)
        #expect(births.unborn.isEmpty && unknown.unborn.isEmpty)
    }

    @Test func afterTheEndNothingIsClaimedAndNothingIsTakenIn() {
        let births = claims()
        let endpoint = target("a")
        births.offerAtMost(2)
        births.offer(endpoint.id, .init(endpoint: endpoint, room: 2))
        let early = births.claim(DeliveryID(trusted: "1"), of: endpoint.id, version: 1)
        let late = births.claim(DeliveryID(trusted: "2"), of: endpoint.id, version: 1)
        early?.handOver(delivery("1", endpoint))

        #expect(births.close().map(\.id.text) == ["1"])

        late?.handOver(delivery("2", endpoint))
        #expect(words(births.take()) == [])
        #expect(births.claim(DeliveryID(trusted: "3"), of: endpoint.id, version: 1) == nil)
    }

    @Test func anEndpointIsOfferedOnceItIsQuietAndQuickAndNoLongerWhenSomethingWaits() {
        var core = looked()
        let endpoint = target("a")
        #expect(claim(endpoint, [delivery("1", endpoint)], &core) == ["attempt 1"])
        #expect(next(&core) == [], "it is not known to be quick")
        handle(.stored(stored("1", endpoint)), &core)
        #expect(next(&core) == ["offer a 8", "offer at most 32"])

        handle(.hinted(endpoint.id), &core)
        #expect(next(&core) == ["claim", "offer a 0"])
        handle(.claimed([.taken(endpoint, [])]), &core)
        #expect(next(&core) == ["offer a 8"])
        handle(.hinted(endpoint.id), &core)
        #expect(next(&core) == ["claim", "offer a 0"])
        handle(.claimed([.notActive]), &core)
        #expect(next(&core) == [], "nobody knows how it is")
    }

    @Test func whatIsBornIsAttemptedAndInHandUntilItIsStored() {
        var core = looked()
        let endpoint = target("a")
        _ = claim(endpoint, [delivery("1", endpoint)], &core)
        handle(.stored(stored("1", endpoint)), &core)
        _ = next(&core)

        #expect(handle(.born(delivery("2", endpoint), endpoint), &core) == ["attempt 2"])

        #expect(core.held == [DeliveryID(trusted: "2")])
        // The window is 16 and one is under way; those that take it in have counted it as well.
        #expect(next(&core) == ["offer a 8", "offer at most 32"])
        handle(.stored(stored("2", endpoint)), &core)
        #expect(core.held.isEmpty)
        handle(.stopping, &core)
        #expect(handle(.born(delivery("3", endpoint), endpoint), &core) == ["give back 3"])
    }

    @Test func aBirthThatWasLostIsLookedForAfterASecondHoweverManyFollow() {
        var core = looked()
        for _ in 0..<10 {
            handle(.birthLost, &core)
            #expect(!next(&core).contains("repair"))
            clock.pass(.milliseconds(100))
        }

        #expect(next(&core).contains("repair"))
        #expect(core.isRepairing)
        #expect(handle(.repaired([DeliveryID(trusted: "1")]), &core) == ["orphans 1 explained"])
        #expect(!core.isRepairing)
    }

    @Test func theReserveIsForNobodyAtItsBirth() {
        var ready = ReadySet(limits: .forTests)
        let endpoint = target("a")
        let now = clock.now()
        for number in 0..<192 { _ = ready.born(EndpointID(trusted: "b\(number)"), at: now) }

        #expect(ready.birthRoom == 0)
        ready.finished(EndpointID(trusted: "b0"), .succeeded, retryAt: nil, at: now)
        #expect(ready.birthRoom == 1)
        #expect(ready.birthRoom(of: endpoint.id, at: now) == 0, "it is not known")
        #expect(ready.birthRoom(of: EndpointID(trusted: "b0"), at: now) == 1)
    }

    private func claims(_ knowledge: NameKnowledge = .addresses) -> BirthClaims {
        BirthClaims(lease: OwnLease(lease, clock: clock), clock: clock) { _ in knowledge }
    }

    /// One that has looked at the store.
    private func looked() -> DispatcherCore {
        var core = DispatcherCore(limits: .forTests, scanInterval: .seconds(1), at: clock.boot())
        _ = core.next(at: clock.instants(), under: .init(lease: lease, end: nil))
        handle(.scanned([]), &core)
        handle(.cleared(mayHaveMore: false), &core)
        return core
    }

    private func claim(
        _ endpoint: Endpoint, _ deliveries: [ClaimedDelivery], _ core: inout DispatcherCore
    ) -> [String] {
        handle(.hinted(endpoint.id), &core)
        _ = next(&core)
        return handle(.claimed([.taken(endpoint, deliveries)]), &core)
    }

    @discardableResult
    private func handle(_ input: DispatcherCore.Input, _ core: inout DispatcherCore) -> [String] {
        words(core.handle(input, at: clock.instants()))
    }

    private func next(_ core: inout DispatcherCore) -> [String] {
        words(core.next(at: clock.instants(), under: .init(lease: lease, end: nil)))
    }

    private func target(_ id: String) -> Endpoint {
        Endpoint(
            id: EndpointID(trusted: id), userID: UserID("u"), url: "https://a.example/", signingKey: nil,
            eventTypes: [], owners: [], createdAt: clock.now(), updatedAt: clock.now())
    }

    private func delivery(_ id: String, _ endpoint: Endpoint) -> ClaimedDelivery {
        ClaimedDelivery(
            id: DeliveryID(trusted: id), lease: lease, eventID: EventID(trusted: "v"), endpointID: endpoint.id,
            eventType: "t", sequence: 1, attempt: 1, step: 0, createdAt: clock.now(), body: [])
    }

    private func stored(_ id: String, _ endpoint: Endpoint) -> AttemptRecorder.Stored {
        .init(id: DeliveryID(trusted: id), endpoint: endpoint.id, signal: .succeeded, retryAt: nil)
    }

    private func words(_ inputs: [DispatcherCore.Input]) -> [String] {
        inputs.map { input in
            switch input {
            case .born(let delivery, _): "born \(delivery.id)"
            case .birthLost: "lost"
            default: "other"
            }
        }
    }

    private func words(_ actions: [DispatcherCore.Action]) -> [String] {
        actions.map { action in
            switch action {
            case .attempt(let delivery, _): "attempt \(delivery.id)"
            case .giveBack(let delivery): "give back \(delivery.id)"
            case .offer(let endpoint, let offer): "offer \(endpoint) \(offer?.room ?? 0)"
            case .offerAtMost(let room): "offer at most \(room)"
            case .claim: "claim"
            case .repair: "repair"
            case .report(.orphans(let ids, let isExplained)): "orphans \(ids.count) \(isExplained ? "explained" : "")"
            default: "other"
            }
        }
    }
}
