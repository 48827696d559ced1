import Foundation
import TestSupport
import Testing
import Timestamps

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
        case 429: (.hold, "too_many_requests")
        case 400...499: (.fail, "client_error")
        case 503: (.hold, "service_unavailable")
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

    /// One code has several causes: advice that cannot help is worse than none.
    @Test(arguments: [
        ("tls_failed", "the receiver does not speak TLS on this port", "http://"),
        ("tls_failed", "the receiver offers only TLS versions before 1.2", "TLS 1.2"),
        ("tls_failed", "the certificate is for another host name", "names the host"),
        ("tls_failed", "the receiver asks for a client certificate", "verify the JWT"),
        ("tls_failed", "the TLS handshake failed: something", "log"),
        ("tls_failed", "a detail of another version", "Install a valid certificate"),
        ("address_blocked", "10.0.0.1 is not a public address: private use (RFC 1918)", "WEBHOOK_ALLOWED_NETWORKS"),
        ("address_blocked", "10.0.0.1 port 80 is this server itself", "public addresses only."),
        ("address_blocked", "the host has an address that webhooks of this account may not reach", "addresses only."),
        ("server_error", "", "log"),
    ])
    func theDetailChoosesTheHint(code: String, detail: String, part: String) {
        let hint = Etiquette.hint(for: code, detail: detail) ?? ""

        #expect(hint.contains(part), "\(hint)")
        #expect(hint.hasSuffix(".") && hint.first?.isUppercase == true)
    }

    @Test(arguments: ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1"])
    func nobodyIsToldToOpenWhatNeverOpens(address: String) throws {
        let blocked = try #require(throws: BlockedAddress.self) {
            try AddressPolicy().check(try #require(IPAddress(address)), port: 443)
        }

        #expect(!blocked.mayBeAllowed)
        let hint = Etiquette.hint(for: "address_blocked", detail: blocked.description)
        #expect(hint == "Use a host with public addresses only.")
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

    /// Google Apps Script answers with a redirect once a script ran; others mean what they say.
    @Test(arguments: [
        ("script.google.com", 302, true), ("script.google.com", 303, true), ("script.google.com", 301, false),
        ("script.google.com", 404, false), ("script.google.com", 200, true), ("example.com", 302, false),
        ("script.google.com.example.com", 302, false), ("prod-1.logic.azure.com", 302, false),
    ])
    func aRedirectOfAppsScriptCountsAsProcessed(_ host: String, _ status: Int, _ isProcessed: Bool) {
        var result = AttemptResult(outcome: .response(statusCode: status))
        result.receiver = KnownReceiver(host: host)

        let verdict = Verdict(of: result, step: 0, at: Timestamp(seconds: 0), schedule: .standard, jitter: 0)

        #expect((verdict == .succeeded) == isProcessed)
        #expect((Etiquette.problem(of: result) == nil) == isProcessed)
    }

    @Test(arguments: [("webhooks.md", Etiquette.markdown), ("errors.md", Etiquette.hintsMarkdown)])
    func theDocumentationHoldsTheTable(page: String, table: String) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../docs/\(page)")

        let text = try String(contentsOf: file.standardized, encoding: .utf8)

        #expect(text.contains(table), "docs/\(page) must hold this table:\n\(table)")
    }
}
