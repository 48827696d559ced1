import Testing

@testable import Storage

struct WriteGroupSharesTests {
    private let start = ContinuousClock.now

    @Test func theEngineHasTwoBodiesThenRequestsThenOneOfMaintenance() {
        var shares = WriteGroupShares(groupsWithoutMaintenance: 0)
        var waiting: [WriteLane.Kind: Int] = [.engine: 3, .request: 2, .maintenance: 2]

        let order = choices(&shares, &waiting) { _ in start }

        #expect(order == [.engine, .engine, .request, .request, .maintenance])
    }

    @Test func aGroupEndsAt128Bodies() {
        var shares = WriteGroupShares(groupsWithoutMaintenance: 0)
        var waiting: [WriteLane.Kind: Int] = [.engine: 5, .request: 1_000, .maintenance: 1]

        let order = choices(&shares, &waiting) { _ in start }

        #expect(order == [.engine, .engine] + Array(repeating: .request, count: 126))
    }

    @Test func aGroupEndsFiveMillisecondsAfterItsFirstRequest() {
        var shares = WriteGroupShares(groupsWithoutMaintenance: 0)
        var waiting: [WriteLane.Kind: Int] = [.request: 1_000, .maintenance: 1]

        let order = choices(&shares, &waiting) { start + .milliseconds($0) }

        #expect(order == Array(repeating: .request, count: 5))
    }

    @Test func slowEngineBodiesLeaveRequestsTheirTime() {
        var shares = WriteGroupShares(groupsWithoutMaintenance: 0)
        var waiting: [WriteLane.Kind: Int] = [.engine: 2, .request: 3]

        let order = choices(&shares, &waiting) { start + .seconds(min($0, 2)) }

        #expect(order == [.engine, .engine, .request, .request, .request])
    }

    @Test func theEngineMayJoinLate() {
        var shares = WriteGroupShares(groupsWithoutMaintenance: 0)
        var waiting: [WriteLane.Kind: Int] = [.request: 1]
        _ = choices(&shares, &waiting) { _ in start }

        #expect(shares.next(at: start + .seconds(1)) { $0 == .engine } == .engine)
    }

    @Test func maintenanceThatWaitedSevenGroupsGoesBeforeRequests() {
        var patient = WriteGroupShares(groupsWithoutMaintenance: 6)
        var due = WriteGroupShares(groupsWithoutMaintenance: 7)
        var waiting: [WriteLane.Kind: Int] = [.request: 1_000, .maintenance: 2]
        var waitingAgain = waiting

        #expect(!choices(&patient, &waiting) { start + .milliseconds($0) }.contains(.maintenance))
        #expect(choices(&due, &waitingAgain) { start + .milliseconds($0) }.prefix(2) == [.maintenance, .request])
    }

    @Test func nothingWaitingEndsTheGroup() {
        var shares = WriteGroupShares(groupsWithoutMaintenance: 100)

        #expect(shares.next(at: start) { _ in false } == nil)
    }

    /// Asks until the group ends; `time` is told how many were chosen before.
    private func choices(
        _ shares: inout WriteGroupShares, _ waiting: inout [WriteLane.Kind: Int],
        _ time: (Int) -> ContinuousClock.Instant
    ) -> [WriteLane.Kind] {
        var order: [WriteLane.Kind] = []
        while let lane = shares.next(at: time(order.count), waiting: { waiting[$0, default: 0] > 0 }) {
            waiting[lane, default: 0] -= 1
            order.append(lane)
        }
        return order
    }
}
