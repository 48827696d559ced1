import TestSupport
import Testing
import Timestamps

@testable import Storage

struct MonotonicClockTests {
    private let clock = SteppableClock()

    @Test func writesOfOneMomentAreInOrder() {
        let time = MonotonicClock(clock)
        let (first, second) = (time.advance(), time.advance())

        #expect(first == clock.now())
        #expect(second == first + .microseconds(1))
        #expect(time.now() > second)
    }

    @Test func afterAStepBackTimeGoesOnAlmostAsFastAndIsCaughtUpWith() {
        let time = MonotonicClock(clock)
        let before = time.advance()
        clock.step(by: .seconds(-1_800))
        clock.pass(.seconds(16))

        #expect(time.advance() == before + .seconds(15))

        for _ in 0..<500 {
            clock.pass(.seconds(60))
            _ = time.advance()
        }
        #expect(time.advance() - clock.now() <= .microseconds(1))
    }

    @Test func aClockThatWasFarAheadIsFollowedBack() {
        let time = MonotonicClock(clock)
        _ = time.advance()
        clock.step(by: .seconds(-40 * 86_400))

        #expect(time.now() == clock.now())
        #expect(time.advance() == clock.now())
    }

    @Test func timeNeverStandsStillNorGoesBackForAnHour() {
        let time = MonotonicClock(clock)
        var last = time.advance()
        for step in [-1, -600, 30, -1_200, 5, -1_700] {
            clock.step(by: .seconds(step))
            for _ in 0..<10 {
                clock.pass(.milliseconds(100))
                let next = time.advance()
                #expect(next - last >= .milliseconds(90))
                last = next
            }
        }
    }
}
