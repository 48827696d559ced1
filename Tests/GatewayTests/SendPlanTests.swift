import TestSupport
import Testing
import Timestamps

@testable import Gateway

@Suite(.onOneEngine) struct SendPlanTests {
    private static let now = Timestamp(microseconds: 1_784_715_600_000_000)

    @Test(arguments: [
        (0, 0), (1, 60_000_000), (7, 8_571_428), (10, 6_000_000), (29, 2_068_965), (45, 1_333_333), (60, 1_000_000),
    ])
    func theGapIsExact(rate: Int, microseconds: Int) {
        #expect(SendPlan.gap(messagesPerMinute: rate) == .microseconds(microseconds))
    }

    @Test func theFirstGoesAtOnceAndTheRestFollow() {
        let times = SendPlan.times(3, after: nil, gap: .seconds(6), at: Self.now)

        #expect(times == [Self.now, Self.now + .seconds(6), Self.now + .seconds(12)])
    }

    @Test(arguments: [(-100, 0), (-6, 0), (-4, 2), (0, 6), (30, 36)])
    func theGapCountsFromTheLastOne(last: Int, first: Int) {
        let times = SendPlan.times(1, after: Self.now + .seconds(last), gap: .seconds(6), at: Self.now)

        #expect(times == [Self.now + .seconds(first)])
    }

    @Test func withoutAGapEverythingGoesAtOnce() {
        let times = SendPlan.times(3, after: Self.now + .seconds(600), gap: .zero, at: Self.now)

        #expect(times == [Self.now, Self.now, Self.now])
        #expect(SendPlan.times(0, after: nil, gap: .seconds(6), at: Self.now) == [])
    }
}
