import TestSupport
import Testing

@testable import Timestamps

struct ClockGuardTests {
    private let clock = SteppableClock()

    @Test func aClockThatRunsIsBelievedAndMakesNoStep() {
        let clocks = ClockGuard(clock)
        for _ in 0..<1_000 {
            clock.pass(.seconds(600))
            clock.step(by: .milliseconds(300))  // As slewing would.
            #expect(clocks.look() == nil)
            #expect(clocks.isBelieved)
        }
        #expect(clocks.steps == (0, 0))
    }

    @Test func aStepIsToldOnceAndCounted() {
        let clocks = ClockGuard(clock)
        clock.pass(.seconds(1))
        clock.step(by: .seconds(-3_600))
        #expect(clocks.look() == ClockStep(amount: .seconds(-3_600)))
        #expect(clocks.look() == nil)
        clock.step(by: .seconds(2))
        #expect(clocks.look() == ClockStep(amount: .seconds(2)))
        #expect(clocks.steps == (1, 1))
    }

    @Test func aClockThatWasSetFarAheadIsBelievedAfterADayWithoutAnotherStep() {
        let clocks = ClockGuard(clock)
        clock.pass(.seconds(60))
        clock.step(by: .seconds(40 * 86_400))
        #expect(!clocks.isBelieved, "before anybody looked")
        _ = clocks.look()
        clock.pass(ClockGuard.patience - .seconds(1))
        _ = clocks.look()
        #expect(!clocks.isBelieved)

        clock.pass(.seconds(1))
        _ = clocks.look()

        #expect(clocks.isBelieved)
    }

    @Test func aClockThatIsPutRightIsBelievedAtOnce() {
        let clocks = ClockGuard(clock)
        clock.step(by: .seconds(40 * 86_400))
        _ = clocks.look()
        clock.step(by: .seconds(-40 * 86_400))

        #expect(clocks.isBelieved)
    }

    @Test func manySmallStepsAreNotBelievedTogether() {
        let clocks = ClockGuard(clock)
        for _ in 0..<10 {
            clock.pass(.seconds(60))
            clock.step(by: .seconds(1_800))
            _ = clocks.look()
        }
        #expect(!clocks.isBelieved)
    }

    @Test func aServerThatWasAwayForLongBelievesItsClockAfterADay() {
        let clocks = ClockGuard(clock, lastAlive: clock.now() - .seconds(40 * 86_400))
        #expect(!clocks.isBelieved)
        clock.pass(ClockGuard.patience)
        _ = clocks.look()
        #expect(clocks.isBelieved)
        #expect(ClockGuard(clock, lastAlive: clock.now() - .seconds(600)).isBelieved)
    }

    @Test func aClockThatComesBackToWhatItWasIsBelieved() {
        let lastAlive = clock.now()
        clock.step(by: .seconds(-5 * 86_400))
        let clocks = ClockGuard(clock, lastAlive: lastAlive)
        clock.pass(.seconds(30))
        clock.step(by: .seconds(5 * 86_400))

        #expect(clocks.isBelieved)
    }

    @Test func aStepForwardIsALeadForWhatWasDatedBeforeIt() {
        let clocks = ClockGuard(clock)
        #expect(clocks.lead(within: .seconds(60)) == .zero)
        clock.step(by: .seconds(7_200))
        #expect(clocks.lead(within: .seconds(60)) == .seconds(7_200), "before anybody looked")
        _ = clocks.look()
        clock.pass(.seconds(59))
        #expect(clocks.lead(within: .seconds(60)) == .seconds(7_200))
        clock.pass(.seconds(1))
        #expect(clocks.lead(within: .seconds(60)) == .zero)
        #expect(clocks.lead(within: .seconds(61)) == .seconds(7_200))
    }

    @Test func aStepThatIsTakenBackIsNoLead() {
        let clocks = ClockGuard(clock)
        for amount in [7_200, -7_200] {
            clock.step(by: .seconds(amount))
            _ = clocks.look()
            clock.pass(.seconds(1))
        }
        #expect(clocks.lead(within: .seconds(60)) == .zero)

        // What was dated while it was back runs ahead once it is forward again.
        for amount in [-7_200, 7_200] {
            clock.step(by: .seconds(amount))
            _ = clocks.look()
            clock.pass(.seconds(1))
        }
        #expect(clocks.lead(within: .seconds(60)) == .seconds(7_200))
    }

    @Test func leadsAddUpStepByStepAndAreBounded() {
        let clocks = ClockGuard(clock)
        for _ in 0..<100 {
            clock.step(by: .seconds(600))
            _ = clocks.look()
            clock.pass(.seconds(1))
        }
        let leads = clocks.leads()
        #expect(leads.count == 32)
        #expect(leads.prefix(2).map(\.amount) == [.seconds(600), .seconds(1_200)])
        #expect(leads.prefix(2).map(\.age) == [.seconds(1), .seconds(2)])
        #expect(leads.last?.amount == .seconds(60_000))
    }

    @Test func aLongAbsenceIsALeadWhereItIsAskedFor() {
        let clocks = ClockGuard(clock, lastAlive: clock.now() - .seconds(7_200))
        clock.pass(.seconds(10))
        #expect(clocks.leads().isEmpty)
        #expect(clocks.leads(withAbsence: true).map(\.amount) == [.seconds(7_200)])
        let shortly = ClockGuard(clock, lastAlive: clock.now() - .seconds(600))
        #expect(shortly.leads(withAbsence: true).isEmpty)
    }
}
