import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// What an endpoint that refuses is sent, and when.
struct PaceTests {
    private let now = Timestamp(microseconds: 1_784_715_329_814_000)

    private func refusal(
        _ wait: String? = nil, status: Int = 429, schedule: RetrySchedule = .standard, at time: Timestamp
    ) throws -> Hold {
        let headers = wait.map { [(name: "Retry-After", value: $0)] } ?? []
        let result = AttemptResult(outcome: .response(statusCode: status), duration: .zero, responseHeaders: headers)
        return try #require(Hold(of: result, at: time, schedule: schedule, jitter: 0))
    }

    @Test func aRefusalHalvesAndTwentySuccessesDouble() throws {
        var pace = Pace()
        pace.refused(try refusal(at: now), startedAt: now, rate: 10)
        #expect(pace.interval == .milliseconds(200))

        for _ in 0..<20 { pace.succeeded(startedAt: now, endedAt: now) }
        let grown = try #require(pace.interval)
        #expect(grown > .milliseconds(95) && grown < .milliseconds(100))

        pace.refused(try refusal(at: now), startedAt: now, rate: 1_000)
        #expect(pace.interval == grown * 2)
    }

    @Test func whatNobodyNamesDoublesFromTheAnswerOn() throws {
        var pace = Pace()
        var waits: [Duration] = []
        for step in 0..<8 {
            let heard = now + .seconds(100 * step)
            pace.refused(try refusal(at: heard), startedAt: heard, rate: 0)
            waits.append(try #require(pace.hold(at: heard)) - heard)
        }

        #expect(waits == [2, 4, 8, 16, 32, 60, 60, 60].map { .seconds($0) })
    }

    /// Nobody else took anything lately: the receiver is away.
    @Test(arguments: [
        (RetrySchedule.standard, [1, 1, 1, 1, 1, 2, 4, 8, 16, 32, 60, 60]),
        (RetrySchedule([.seconds(1), .seconds(5)]), [1, 1, 1, 1, 1, 2, 4, 5, 5]),
    ]) func whoIsAwayIsAskedLessOftenUpToTheLongestWaitOfTheSchedule(schedule: RetrySchedule?, waits: [Int]) throws {
        var pace = Pace()
        for (step, wait) in waits.enumerated() {
            let heard = now + .seconds(100 * step)
            let hold = try refusal(status: 503, schedule: try #require(schedule), at: heard)
            pace.refused(hold, startedAt: heard, rate: 0)
            #expect(pace.hold(at: heard) == heard + .seconds(wait))
            #expect(pace.interval == nil && pace.isAdapting)
        }

        let later = now + .seconds(1_000)
        pace.succeeded(startedAt: later, endedAt: later)
        #expect(pace == Pace())
    }

    /// A proxy says so of one of its backends, while the others take requests.
    @Test func amongSuccessesFiveInARowSayThatTheReceiverIsAway() throws {
        var pace = Pace()
        for round in 0..<3 {
            let begin = now + .seconds(10 * round)
            for number in 1...4 {
                let heard = begin + .milliseconds(number)
                pace.refused(try refusal(status: 503, at: heard), startedAt: heard, rate: 1)
                #expect(pace.hold(at: heard) == nil)
            }
            let heard = begin + .milliseconds(5)
            guard round < 2 else {
                pace.refused(try refusal(status: 503, at: heard), startedAt: heard, rate: 1)
                #expect(pace.hold(at: heard) == heard + .seconds(1))
                return
            }
            pace.succeeded(startedAt: heard, endedAt: heard)
        }
    }

    @Test func whoNamesATimeIsSentToMoreSlowlyAfterwards() throws {
        var pace = Pace()
        pace.refused(try refusal("30", status: 503, at: now), startedAt: now, rate: 10)

        #expect(pace.hold(at: now) == now + .seconds(30))
        #expect(pace.interval == .milliseconds(200))
    }

    @Test func whatIsNamedHoldsAndTheLongestCounts() throws {
        var pace = Pace()
        pace.refused(try refusal("90", at: now), startedAt: now, rate: 0)
        pace.refused(try refusal("30", at: now + .seconds(1)), startedAt: now, rate: 0)

        #expect(pace.hold(at: now) == now + .seconds(90))
        #expect(pace.hold(at: now + .seconds(90)) == nil)
    }

    /// All that was under way when the first was refused is one refusal.
    @Test func whatWasUnderWaySaysNothingNew() throws {
        var pace = Pace()
        let answer = now + .milliseconds(5)
        pace.refused(try refusal(at: answer), startedAt: now, rate: 10)
        let once = pace

        for _ in 0..<100 {
            pace.refused(try refusal(at: answer), startedAt: now, rate: 10)
            pace.succeeded(startedAt: now, endedAt: answer)
        }

        #expect(pace == once)
    }

    @Test func aNodeWhoseClockIsBehindHonoursTheLongestHold() throws {
        var pace = Pace()
        pace.refused(try refusal("3600", at: now), startedAt: now, rate: 0)

        #expect(pace.hold(at: now - .seconds(30)) == now + .seconds(3_600))
    }

    @Test func placesAreOneBehindTheOther() throws {
        var pace = Pace()
        #expect(pace.burst() == nil)
        pace.refused(try refusal(at: now), startedAt: now, rate: 1_000)
        #expect(pace.burst() == 25)
        let free = now + .seconds(1)

        pace.book(25, at: free)

        #expect(pace.hold(at: free) == free + .milliseconds(50))
        #expect(pace.hold(at: free + .milliseconds(50)) == nil)
    }

    @Test func aPaceEndsWithSpeedOrAfterAnHour() throws {
        var quick = Pace()
        quick.refused(try refusal(at: now), startedAt: now, rate: 400)
        for _ in 0..<40 { quick.succeeded(startedAt: now, endedAt: now) }
        #expect(quick == Pace())

        var old = Pace()
        old.refused(try refusal(at: now), startedAt: now, rate: 1)
        let later = now + .seconds(3_600)
        old.succeeded(startedAt: later, endedAt: later)
        #expect(old == Pace())
    }

    @Test func aClockThatIsSetBackHoldsNobody() throws {
        var pace = Pace()
        pace.refused(try refusal("30", at: now), startedAt: now, rate: 1)
        let before = now - .seconds(86_400)
        #expect(pace.hold(at: before) == nil)
        pace.book(1, at: before)
        #expect(pace.hold(at: before) == before + .seconds(2))

        // Refusals and successes are news again.
        pace.refused(try refusal(at: before), startedAt: before, rate: 1)
        #expect(pace.interval == .seconds(2), "no success since the last one")
        pace.succeeded(startedAt: before, endedAt: before)
        #expect(try #require(pace.interval) < .seconds(2))
    }

    @Test(
        arguments: [
            (ahead: 3_660, step: nil, left: 3_660), (3_661, nil, nil), (60, -3_600, 60), (3_630, -3_600, 30),
            (61, -3_600, nil), (3_000, -600, 2_400),
        ] as [(Int, Int?, Int?)])
    func whatLiesTooFarAheadIsPulledIn(ahead: Int, step: Int?, left: Int?) async throws {
        for engine in Engine.enabled {
            try await withEngine(engine) { harness in
                let endpoint = try await harness.addEndpoint()
                let now = harness.clock.now()
                try await harness.set(holdUntil: now + .seconds(ahead), of: endpoint)

                try await DueTimes.pullIn(
                    by: step.map { .seconds($0) }, store: harness.store, clock: harness.clock, schedule: .standard)

                // Nil, or a time that is over: nothing holds.
                let hold = try await harness.pace(of: endpoint).notBefore.flatMap { $0 > now ? $0 - now : nil }
                #expect(hold == left.map { .seconds($0) })
            }
        }
    }

    @Test func absurdNumbersDoNotTrap() throws {
        for rate in [Int.min, -1, 0, .max] {
            var pace = Pace()
            for time in [Timestamp.first, .last, now] {
                for _ in 0..<200 { pace.refused(try refusal("9", at: time), startedAt: time, rate: rate) }
                pace.book(.max / 1_000_000_000, at: time)
                for _ in 0..<2_000 { pace.succeeded(startedAt: .last, endedAt: time) }
                _ = pace.hold(at: time)
                #expect(pace.burst() ?? 1 >= 1)
            }
        }
    }
}
