import Storage
import Testing
import Timestamps

@testable import Gateway

/// Codes of authenticator apps, by the examples of the RFCs.
@Suite struct OneTimeCodesTests {
    /// The secret of RFC 6238 appendix B, `12345678901234567890`, as GNU `base32` writes it.
    private static let text = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

    /// The last six digits of each code there.
    @Test(arguments: [
        (59, "287082"), (1_111_111_109, "081804"), (1_111_111_111, "050471"), (1_234_567_890, "005924"),
        (2_000_000_000, "279037"), (20_000_000_000, "353130"),
    ])
    func theCodesOfTheRFCAreOurs(_ seconds: Int64, _ code: String) throws {
        let codes = try #require(OneTimeCodes(Self.text))
        let time = Timestamp(seconds: seconds)

        #expect(codes.code(at: OneTimeCodes.step(at: time)) == code)
        #expect(codes.step(of: code, at: time, after: nil) == seconds / 30)
    }

    @Test func aCodeIsTakenHalfAMinuteEarlyOrLateAndOnlyOnce() throws {
        let codes = try #require(OneTimeCodes(Self.text))
        let code = "005924"
        let step: Int64 = 1_234_567_890 / 30

        for seconds in [-30, 0, 30] {
            #expect(codes.step(of: code, at: Timestamp(seconds: 1_234_567_890 + Int64(seconds)), after: nil) == step)
        }
        for seconds in [-60, 60] {
            #expect(codes.step(of: code, at: Timestamp(seconds: 1_234_567_890 + Int64(seconds)), after: nil) == nil)
        }
        let time = Timestamp(seconds: 1_234_567_890)
        #expect(codes.step(of: code, at: time, after: step) == nil)
        #expect(codes.step(of: code, at: time, after: step - 1) == step)
        // Taken when the clock was ahead, or read from a row that is not ours.
        for last in [step + 100_000, .max, .min] { #expect(codes.step(of: code, at: time, after: last) == step) }
    }

    @Test(arguments: [Timestamp.first, .last]) func theEndsOfTimeHaveCodes(_ time: Timestamp) throws {
        let codes = OneTimeCodes()
        let code = codes.code(at: OneTimeCodes.step(at: time))

        #expect(code.count == 6)
        #expect(codes.step(of: code, at: time, after: nil) != nil)
    }

    @Test func aSecretIsReadAsItIsWritten() throws {
        let codes = try #require(OneTimeCodes(" gezd gnbv gy3t qojq gezd gnbv gy3t qojq "))
        #expect(codes.text == Self.text)
        for _ in 0..<100 {
            let drawn = OneTimeCodes()
            #expect(OneTimeCodes(drawn.text)?.text == drawn.text)
        }
        let long = String(repeating: "A", count: 100_000)
        let bad = ["", "GEZDGNBVGY3TQOJQ", Self.text + "A", Self.text.dropLast() + "1", long]
        for text in bad { #expect(OneTimeCodes(text) == nil) }
    }

    @Test func anAppIsToldServerAndAccount() throws {
        let codes = try #require(OneTimeCodes(Self.text))

        #expect(
            codes.url(host: "sms.example.com", email: "a+b:c@example.com")
                == "otpauth://totp/sms.example.com:a+b%20c@example.com?secret=\(Self.text)&issuer=sms.example.com")
    }

    @Test(arguments: ["123456", " 123 456 ", "123-456"]) func digitsAreACodeOfTheApp(_ typed: String) {
        guard case .app("123456") = SecondFactorCode(typed) else {
            Issue.record("\(typed)")
            return
        }
    }

    @Test func recoveryCodesAreDifferentAndReadAsPeopleTypeThem() throws {
        let codes = SecondFactorCode.recoveryCodes()

        #expect(codes.count == 10 && Set(codes).count == 10)
        for code in codes {
            #expect(code.wholeMatch(of: /([a-hjkmnp-z1-9]{4}-){3}[a-hjkmnp-z1-9]{4}/) != nil)
            for typed in [code, code.uppercased(), code.filter { $0 != "-" }, " \(code) "] {
                guard case .recovery(let text) = SecondFactorCode(typed) else {
                    Issue.record("\(typed)")
                    continue
                }
                #expect(SecondFactorCode.hash(text, of: UserID("u")) == SecondFactorCode.hash(code, of: UserID("u")))
            }
        }
    }

    @Test(arguments: ["", "12345", "1234567", "１２３４５６", "abcd-efgh-jkmn-pqr", "abcd-efgh-jkmn-pqrl", "\u{0}23456"])
    func anythingElseIsNoCode(_ typed: String) {
        #expect(SecondFactorCode(typed) == nil)
    }
}
