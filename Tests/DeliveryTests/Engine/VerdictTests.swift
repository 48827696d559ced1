import Testing
import Timestamps

@testable import Delivery

struct VerdictTests {
    private static let now = Timestamp(microseconds: 1_784_715_329_814_000)
    private static let inTwoSeconds = Verdict.retry(at: now + .seconds(2))

    private func verdict(_ outcome: AttemptOutcome, step: Int = 0, jitter: Double = 0) -> Verdict {
        Verdict(
            of: AttemptResult(outcome: outcome), step: step, at: Self.now, schedule: .standard, jitter: jitter)
    }

    @Test(
        arguments: [
            (100, .failed), (199, .failed), (200, .succeeded), (204, .succeeded), (299, .succeeded), (300, .failed),
            (302, .failed), (399, .failed), (400, .failed), (401, .failed), (404, .failed), (407, .failed),
            (408, inTwoSeconds), (409, .failed), (410, .disabled), (428, .failed), (429, inTwoSeconds), (430, .failed),
            (499, .failed), (500, inTwoSeconds), (502, inTwoSeconds), (503, inTwoSeconds), (599, inTwoSeconds),
        ] as [(Int, Verdict)])
    func theStatusDecides(statusCode: Int, expected: Verdict) {
        #expect(verdict(.response(statusCode: statusCode)) == expected)
    }

    @Test(arguments: AttemptFailure.Code.allCases)
    func everyFailureIsRetriedButThoseThatOnlyAChangeMends(code: AttemptFailure.Code) {
        let isFinal = [.eventUnreadable, .payloadInvalid, .urlInvalid, .headerInvalid].contains(code)

        #expect(verdict(.failure(AttemptFailure(code))) == (isFinal ? .failed : Self.inTwoSeconds))
    }

    @Test func aBlockedAddressIsFinalOnlyWhereTheWebhookNamesIt() {
        #expect(verdict(.failure(AttemptFailure(.addressBlocked, isFinal: true))) == .failed)
        #expect(verdict(.failure(AttemptFailure(.addressBlocked, isFinal: false))) == Self.inTwoSeconds)
    }

    @Test func theFifthFailureIsTheLast() {
        let verdicts = (0...4).map { verdict(.response(statusCode: 500), step: $0) }

        let expected = [2, 10, 60, 600].map { Verdict.retry(at: Self.now + .seconds($0)) } + [.failed]
        #expect(verdicts == expected)
    }

    @Test func aSuccessCountsOnEveryStep() {
        #expect(verdict(.response(statusCode: 200), step: 4) == .succeeded)
    }

    @Test func jitterMovesTheRetryLater() {
        #expect(verdict(.response(statusCode: 500), jitter: 1) == .retry(at: Self.now + .milliseconds(2_400)))
    }

    @Test(arguments: AttemptFailure.Code.allCases)
    func whatUsedUpItsTimeIsATimeout(code: AttemptFailure.Code) {
        #expect(code.isTimeout == code.rawValue.hasSuffix("timeout"))
    }
}
