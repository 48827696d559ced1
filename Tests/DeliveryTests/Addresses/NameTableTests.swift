import NIOCore
import Testing

@testable import Delivery

@Suite struct NameTableTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private let addresses = [IPAddress(v4: 1)]
    private let others = [IPAddress(v4: 2)]

    private func table(_ answer: Result<[IPAddress], ResolutionError>) -> NameTable {
        var table = NameTable()
        table.store(answer, for: "a", account: "ann", at: start)
        return table
    }

    @Test func anAnswerAgesInSteps() {
        let table = table(.success(addresses))

        #expect(table.peek(at: "a", at: start + .milliseconds(19_999)) == .known(addresses, refresh: false))
        #expect(table.peek(at: "a", at: start + .seconds(20)) == .known(addresses, refresh: true))
        #expect(table.peek(at: "a", at: start + .milliseconds(29_999)) == .known(addresses, refresh: true))
        #expect(table.peek(at: "a", at: start + .seconds(30)) == .unknown(last: addresses))
        #expect(table.peek(at: "a", at: start + .hours(6)) == .unknown(last: []))
        #expect(table.peek(at: "b", at: start) == .unknown(last: []))
    }

    @Test(arguments: [ResolutionError.timedOut, .failed("SERVFAIL")])
    func theLastGoodAnswerHoldsForHoursWhileLookupsFail(error: ResolutionError) {
        var table = table(.success(addresses))

        for hour in 1..<6 {
            let now = start + .hours(Int64(hour))
            table.store(.failure(error), for: "a", account: "ann", at: now)
            #expect(table.peek(at: "a", at: now) == .known(addresses, refresh: false))
            #expect(table.peek(at: "a", at: now + .minutes(10)) == .known(addresses, refresh: true))
        }
        let end = start + .hours(6)
        table.store(.failure(error), for: "a", account: "ann", at: end)

        #expect(table.peek(at: "a", at: end) == .failed(error))
    }

    @Test func aNameThatIsGoneLosesItsAddresses() {
        var table = table(.success(addresses))

        table.store(.failure(.notFound), for: "a", account: "ann", at: start + .seconds(25))

        #expect(table.peek(at: "a", at: start + .seconds(25)) == .failed(.notFound))
        #expect(table.fresh("a", at: start + .seconds(25)) == nil)
    }

    @Test(
        arguments: [
            (.timedOut, [5, 10, 20, 40, 80, 160, 320, 600, 600]), (.notFound, [5, 10, 20, 40, 60, 60]),
            (.failed("REFUSED"), [5, 10, 20, 40, 60, 60]),
        ] as [(ResolutionError, [Int64])])
    func aDeadNameIsLookedUpEverMoreSeldom(error: ResolutionError, waits: [Int64]) {
        var table = NameTable()
        var now = start

        for wait in waits {
            table.store(.failure(error), for: "a", account: "ann", at: now)
            #expect(table.peek(at: "a", at: now + .milliseconds(wait * 1_000 - 1)) == .failed(error))
            now = now + .seconds(wait)
            #expect(table.peek(at: "a", at: now) == .unknown(last: []))
        }
        table.store(.success(addresses), for: "a", account: "ann", at: now)
        table.store(.failure(error), for: "a", account: "ann", at: now + .hours(7))

        #expect(table.peek(at: "a", at: now + .hours(7) + .seconds(5)) == .unknown(last: []))
    }

    @Test func manyThousandFailuresStillGiveAWait() {
        var table = NameTable()

        for _ in 0..<5_000 { table.store(.failure(.timedOut), for: "a", account: "ann", at: start) }

        #expect(table.peek(at: "a", at: start + .seconds(599)) == .failed(.timedOut))
        #expect(table.peek(at: "a", at: start + .seconds(600)) == .unknown(last: []))
    }

    @Test func aLookupThatHangsMakesTheLastAnswerDo() {
        var table = table(.success(addresses))
        let now = start + .seconds(40)

        table.noteHanging("a", at: now)
        table.noteHanging("never-seen", at: now)

        #expect(table.peek(at: "a", at: now) == .known(addresses, refresh: false))
        #expect(table.peek(at: "a", at: now + .seconds(5)) == .known(addresses, refresh: true))
        #expect(table.peek(at: "never-seen", at: now) == .unknown(last: []))
    }

    @Test func whatThePolicyRefusesLivesForSeconds() {
        var table = table(.success(addresses))
        let now = start + .seconds(1)

        table.distrust("a", at: now)
        table.distrust("a", at: now + .seconds(3))

        #expect(table.peek(at: "a", at: now + .milliseconds(4_999)) == .known(addresses, refresh: false))
        // Nor is it a good answer to fall back on.
        #expect(table.peek(at: "a", at: now + .seconds(5)) == .unknown(last: []))
    }

    @Test func aNewAnswerIsTrustedAgain() {
        var table = table(.success(addresses))

        table.distrust("a", at: start)
        table.store(.success(others), for: "a", account: "ann", at: start + .seconds(6))

        #expect(table.peek(at: "a", at: start + .seconds(20)) == .known(others, refresh: false))
    }

    @Test func otherFilesLetEveryNameBeLookedUp() {
        var table = table(.failure(.timedOut))

        table.forgetFailures(at: start + .seconds(1))

        #expect(table.peek(at: "a", at: start + .seconds(1)) == .unknown(last: []))
    }

    @Test func silentNamesAreLookedUpOnceOneOfThemAnswers() {
        var table = NameTable()
        for name in ["a", "b"] {
            for _ in 0..<8 { table.store(.failure(.timedOut), for: name, account: "ann", at: start) }
        }
        table.store(.failure(.notFound), for: "gone", account: "ann", at: start)
        table.store(.failure(.notFound), for: "gone", account: "ann", at: start)

        table.store(.success(addresses), for: "a", account: "ann", at: start + .seconds(1))

        #expect(table.peek(at: "b", at: start + .milliseconds(5_999)) == .failed(.timedOut))
        #expect(table.peek(at: "b", at: start + .seconds(6)) == .unknown(last: []))
        #expect(table.peek(at: "gone", at: start + .seconds(6)) == .failed(.notFound))
    }

    @Test func theOnesUsedLeastMakeRoom() {
        var table = NameTable(capacity: 16, accountCapacity: 16)
        for index in 0..<16 {
            table.store(.success(addresses), for: "\(index)", account: "\(index)", at: start + .seconds(Int64(index)))
        }
        _ = table.standing(of: "0", at: start + .seconds(17))

        table.store(.success(addresses), for: "new", account: "ann", at: start + .seconds(18))

        #expect(table.count == 15)
        #expect(table.peek(at: "0", at: start + .seconds(18)) != .unknown(last: []))
        #expect(table.peek(at: "1", at: start + .seconds(18)) == .unknown(last: []))
        #expect(table.peek(at: "2", at: start + .seconds(18)) == .unknown(last: []))
    }

    @Test func anAccountWithTooManyNamesLosesItsOwn() {
        var table = NameTable(capacity: 1_000, accountCapacity: 16)
        table.store(.success(addresses), for: "kept", account: "bob", at: start)

        for index in 0..<10_000 {
            table.store(.success(addresses), for: "\(index)", account: "ann", at: start + .seconds(1))
        }

        #expect(table.count <= 17)
        #expect(table.peek(at: "kept", at: start + .seconds(1)) == .known(addresses, refresh: false))
    }

    @Test func namesThatFailAreCounted() {
        var table = table(.failure(.timedOut))
        table.store(.success(addresses), for: "b", account: "ann", at: start)

        #expect(table.failingCount(at: start) == 1)
        #expect(table.failingCount(at: start + .seconds(5)) == 0)
    }
}
