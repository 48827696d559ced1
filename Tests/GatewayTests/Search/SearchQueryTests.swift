import TestSupport
import Testing

@testable import Gateway

/// Numbers in another spelling than the one that is stored.
@Suite(.onOneEngine) struct SearchQueryTests {
    @Test(
        arguments: [
            ("0044 7700 900456", "+18005550199", "+447700900456"), ("+44 7700 900456", "+18005550199", "+447700900456"),
            ("+44 (0)7700 900456", "+18005550199", "+447700900456"), ("07700 900456", "+447700900123", "+447700900456"),
            ("07700-900-456", "+447911123456", "+447700900456"), ("(212) 555-0188", "+18005550199", "+12125550188"),
            ("212-555-0188", "+18005550199", "+12125550188"), ("212.555.0188", "", "+12125550188"),
            ("+1 212 555 0188", "", "+12125550188"), ("+1 (212) 555-0188", "", "+12125550188"),
            ("1-212-555-0188", "", "+12125550188"), ("2125550188", "", "+12125550188"),
            ("12125550188", "", "+12125550188"),
            ("5550188", "", "+12125550188"), ("555-01", "", "+12125550188"), ("٢١٢٥٥٥٠١٨٨", "", "+12125550188"),
            ("＋１２１２５５５０１８８", "", "+12125550188"), ("0170 1234567", "+4930123456", "+491701234567"),
            ("06 12 34 56 78", "+33123456789", "+33612345678"), ("212\u{2011}555\u{2011}0188", "", "+12125550188"),
            ("\u{202D}+1 212 555 0188\u{202C}", "", "+12125550188"), ("MTN", "", "mtn"), ("mtn", "", "MTN"),
        ] as [(String, String, String)])
    func numbersAreFoundInAnySpelling(typed: String, owner: String, contact: String) {
        let query = SearchQuery(typed) { owner.isEmpty ? [] : [owner] }

        #expect(query.isInNumber(contact), "\(query)")
    }

    @Test(
        arguments: [
            ("0044 7700 900456", "+18005550199", "+447700900457"), ("07700 900456", "+447700900123", "+497700900456"),
            ("+1 212 555 0189", "", "+12125550188"), ("12-", "", "+12125550188"), ("%", "", "+12125550188"),
            ("call 212 555 0188", "", "+12125550188"), ("1+2125550188", "", "+12125550188"),
        ] as [(String, String, String)])
    func otherNumbersAreNot(typed: String, owner: String, contact: String) {
        #expect(!SearchQuery(typed) { owner.isEmpty ? [] : [owner] }.isInNumber(contact))
    }

    @Test func ownNumbersAreAskedForOnlyWhereTheyMatter() {
        for text in ["hello", "+1 212", "0044 77", "12", ""] {
            _ = SearchQuery(text) {
                Issue.record("asked for \(text)")
                return []
            }
        }
    }
}
