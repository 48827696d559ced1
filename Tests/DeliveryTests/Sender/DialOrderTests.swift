import Testing

@testable import Delivery

@Suite struct DialOrderTests {
    @Test func familiesTakeTurns() {
        let addresses = ["2a00::1", "2a00::2", "2a00::3", "1.1.1.1"].compactMap { IPAddress($0) }

        #expect(
            DialOrder.addresses(of: addresses, at: .init()).map(\.description) == [
                "2a00::1", "1.1.1.1", "2a00::2", "2a00::3",
            ])
        #expect(DialOrder.addresses(of: [], at: .init()).isEmpty)
    }

    @Test(arguments: [1, 13, 20, 21, 60, 99, 100]) func fiveAttemptsReachEveryAddress(count: Int) {
        let addresses = (0..<count).map { index in
            index % 3 == 0 ? IPAddress(v6: UInt128(0x2a00) << 112 | UInt128(index)) : IPAddress(v4: UInt32(index))
        }

        for delivery in ["a", "b", "0190a1b2-c3d4-7000-8000-00000000000f"] {
            let dialled = (1...5).map { attempt in
                // Name servers rotate their answers.
                let rotated = Array(addresses[(attempt % count)...] + addresses[..<(attempt % count)])
                return DialOrder.addresses(of: rotated, at: .init(delivery: delivery, attempt: attempt))
            }

            #expect(Set(dialled.joined()) == Set(addresses))
            #expect(dialled.allSatisfy { $0.count == min(count, 20) && Set($0).count == $0.count })
        }
    }

    @Test func deliveriesBeginAtDifferentAddresses() {
        let addresses = (0..<50).map { IPAddress(v4: $0) }

        let first = (0..<200).map { DialOrder.addresses(of: addresses, at: .init(delivery: "\($0)", attempt: 1))[0] }

        #expect(Set(first).count > 25)
    }

    @Test(arguments: [Int.min, -1, 0, Int.max]) func anyNumberOfAnAttemptGivesAnOrder(attempt: Int) {
        let addresses = (0..<50).map { IPAddress(v4: $0) }

        #expect(DialOrder.addresses(of: addresses, at: .init(delivery: "x", attempt: attempt)).count == 20)
    }
}
