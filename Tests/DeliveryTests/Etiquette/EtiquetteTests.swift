import Foundation
import TestSupport
import Testing

@testable import Delivery

/// What each answer of an endpoint means.
@Suite struct EtiquetteTests {
    /// The documented outcome of every status, written down a second time.
    private static func documented(_ status: Int) -> (Etiquette.Action, code: String?) {
        switch status {
        case 200...299: (.succeed, nil)
        case 300...399: (.fail, "redirect")
        case 408: (.retry, "request_timeout")
        case 410: (.disable, "gone")
        case 429: (.retryLater, "too_many_requests")
        case 400...499: (.fail, "client_error")
        case 503: (.retryLater, "service_unavailable")
        case 500...599: (.retry, "server_error")
        default: (.fail, "invalid_status")
        }
    }

    @Test(arguments: 100...599) func everyStatusHasItsDocumentedOutcome(status: Int) {
        let row = Etiquette.row(for: status)

        #expect((row.action, row.code) == Self.documented(status))
    }

    @Test(arguments: [Int.min, -1, 0, 99, 600, 999, 1_000, Int.max])
    func whatIsNoStatusIsFinal(status: Int) {
        #expect(Etiquette.row(for: status).action == .fail)
        #expect(Etiquette.row(for: status).code == "invalid_status")
    }

    @Test func everyCodeHasAHintThatIsASentence() {
        let codes = Etiquette.table.compactMap(\.code) + AttemptFailure.Code.allCases.map(\.rawValue)

        #expect(Set(codes).count == codes.count)
        for code in codes {
            let hint = Etiquette.hint(for: code) ?? ""
            #expect(hint.hasSuffix(".") && hint.first?.isUppercase == true, "\(code): \(hint)")
        }
        #expect(Etiquette.hint(for: "of_another_version") == nil)
    }

    @Test func theProblemOfARedirectNamesItsLocation() {
        let result = AttemptResult(
            outcome: .response(statusCode: 302), responseHeaders: [("LOCATION", "https://b.example/")])

        #expect(
            Etiquette.problem(of: result) == Etiquette.Problem(code: "redirect", detail: "Location: https://b.example/")
        )
        #expect(Etiquette.problem(of: AttemptResult(outcome: .response(statusCode: 302)))?.detail == "")
        #expect(Etiquette.problem(of: AttemptResult(outcome: .response(statusCode: 204))) == nil)
    }

    @Test(arguments: [("webhooks.md", Etiquette.markdown), ("errors.md", Etiquette.hintsMarkdown)])
    func theDocumentationHoldsTheTable(page: String, table: String) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../docs/\(page)")

        let text = try String(contentsOf: file.standardized, encoding: .utf8)

        #expect(text.contains(table), "docs/\(page) must hold this table:\n\(table)")
    }
}
