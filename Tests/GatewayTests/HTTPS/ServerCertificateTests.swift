import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import Server

/// When a certificate is accepted by its dates, and when its operator is told to renew it.
@Suite(.onOneEngine) struct ServerCertificateTests {
    private static let table: [(Int, ServerCertificate.Validity)] = [
        (-1, ServerCertificate.Validity.notYet), (0, .valid), (86 * day, .valid), (86 * day + 1, .endsSoon(days: 13)),
        (100 * day - 1, .endsSoon(days: 0)), (100 * day, .endsSoon(days: 0)), (100 * day + 1, .expired),
        (100_000 * day, .expired),
    ]

    @Test(arguments: table)
    func validityIsDecidedByBothDates(seconds: Int, validity: ServerCertificate.Validity) {
        let from = Timestamp(microseconds: 1_784_715_329_000_000)

        let judged = ServerCertificate.validity(
            from: from, until: from + .seconds(100 * day), at: from + .seconds(seconds))

        #expect(judged == validity)
    }
}

private let day = 86_400
