import Testing
import Timestamps

@testable import Delivery

struct RetryScheduleTests {
    @Test(arguments: [(0, 2), (1, 10), (2, 60), (3, 600)])
    func theStandardDelaysAreThoseOfTheDocumentation(step: Int, seconds: Int) {
        #expect(RetrySchedule.standard.delay(afterStep: step, jitter: 0) == .seconds(seconds))
    }

    @Test(arguments: [4, 5, 1_000_000, -1])
    func noDelayFollowsTheLastStep(step: Int) {
        #expect(RetrySchedule.standard.delay(afterStep: step, jitter: 0) == nil)
    }

    @Test func jitterAddsAtMostAFifth() {
        let delay = RetrySchedule.standard.delay(afterStep: 1, jitter: 1)

        #expect(delay == .seconds(12))
    }

    @Test(arguments: [-1.0, -Double.infinity, 0, 0.5, 1, 2, .infinity])
    func noJitterShortensADelayOrStretchesItBeyondAFifth(jitter: Double) throws {
        let schedule = try #require(RetrySchedule([.seconds(1)]))

        let delay = try #require(schedule.delay(afterStep: 0, jitter: jitter))

        #expect(delay >= .seconds(1))
        #expect(delay <= .milliseconds(1_200))
    }

    @Test(
        arguments: [
            [], [.milliseconds(999)], [.zero], [.seconds(2), .milliseconds(-1)],
            [.seconds(1), .seconds(1), .seconds(1), .seconds(1), .seconds(1)],
        ] as [[Duration]])
    func delaysThatBreakTheDocumentedLimitsAreRefused(delays: [Duration]) {
        #expect(RetrySchedule(delays) == nil)
    }

    @Test(arguments: [[.seconds(1)], [.seconds(1), .seconds(1), .seconds(1), .seconds(86_400)]] as [[Duration]])
    func oneToFourDelaysOfASecondOrMoreAreTaken(delays: [Duration]) {
        #expect(RetrySchedule(delays)?.delays == delays)
    }
}
