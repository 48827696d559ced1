import Foundation
import TestSupport
import Testing

extension EndToEndTests {
    /// `httpsms webhook conformance` against a receiver in Python that is right, and wrong in one thing at a time.
    @Suite struct ConformanceCommand {
        private static let key = "conformance-signing-key-of-32-bytes-or-more"

        /// What a receiver does wrong, and the checks that have to see it.
        static let faults: [(fault: String, checks: Set<String>)] = [
            ("accepts-alg-none", ["token-alg-none"]),
            ("accepts-any-hmac", ["token-alg-hs512"]),
            ("ignores-alg", ["token-alg-rs256"]),
            ("ignores-exp", ["token-expired"]),
            ("ignores-aud", ["token-wrong-audience"]),
            (
                "ignores-token",
                [
                    "token-missing", "token-wrong-key", "token-alg-none", "token-alg-rs256", "token-alg-hs512",
                    "token-expired", "token-wrong-audience",
                ]
            ),
            ("ignores-timestamp", ["timestamp-stale"]),
            (
                "ignores-signature",
                ["tampered-body", "signature-wrong-key", "signature-missing", "timestamp-stale"]
            ),
            ("looks-at-the-first-signature", ["key-rotation"]),
            ("signs-what-it-parsed", ["unicode"]),
            ("no-duplicate-check", ["duplicate"]),
            ("answers-409-to-duplicates", ["duplicate"]),
            ("remembers-before-verifying", ["genuine-after-forged"]),
            ("refuses-unknown-types", ["unknown-type"]),
            ("small-bodies", ["large-content"]),
            ("fails-at-bad-json", ["invalid-json"]),
            ("does-not-decrypt", ["encrypted"]),
            ("answers-late", ["answers-within-1s"]),
            ("drops-request-id", ["message.phone.delivered"]),
            (
                "knows-data-id-only",
                [
                    "message.phone.received", "message.send.expired", "message.call.missed", "unicode",
                    "large-content", "encrypted", "duplicate", "genuine-after-forged", "answers-within-1s",
                    "burst-of-50",
                ]
            ),
        ]

        @Test(.timeLimit(.minutes(15)))
        func aReceiverThatDoesEverythingRightPasses() async throws {
            try await withHook("") { url, log, installation in
                let run = try await conform(installation, url, log)

                #expect(run.end == .exited(0), "\(run.output)\(run.errors)")
                #expect(run.output.contains("29 passed, 0 failed: \(url)"), "\(run.output)")
                #expect(!run.output.contains("FAILED"))
            }
        }

        @Test(.timeLimit(.minutes(15)), arguments: faults.map(\.fault))
        func aFaultIsSeenByTheChecksForItAlone(_ fault: String) async throws {
            let expected = try #require(Self.faults.first { $0.fault == fault }).checks
            // Each accepted request takes longer then; three checks show that the others do not mind.
            let checks = fault == "answers-late" ? "message.phone.sent,answers-within-1s,burst-of-50" : "all"
            try await withHook(fault) { url, log, installation in
                let run = try await conform(installation, url, log, "--json", "--checks", checks)

                #expect(run.end == .exited(1), "\(run.errors)")
                let report = try JSONDecoder().decode(JSONValue.self, from: Data(run.output.utf8))
                let failed = report["checks"].elements.filter { $0["passed"] == false }
                #expect(Set(failed.compactMap(\.["name"].text)) == expected, "\(failed)")
                #expect(report["checks"].elements.count == (checks == "all" ? 29 : 3))
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func whatCannotBeSeenIsSaid() async throws {
            try await withHook("no-duplicate-check") { url, _, installation in
                let run = try await installation.run(
                    "webhook", "conformance", "--url", url, "--audience", "https://example.com/hook", "--checks",
                    "duplicate, token-expired", settings: ["HTTPSMS_SIGNING_KEY": Self.key])

                #expect(run.end == .exited(0), "\(run.output)\(run.errors)")
                #expect(run.output.contains("Only answers were judged"), "\(run.output)")
                #expect(run.output.contains("2 passed, 0 failed"))
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func theEndTellsWhatIsWrong() async throws {
            try await withInstallation { installation in
                let url = "http://127.0.0.1:\(try freePort())/hook"

                let nobody = try await installation.run("webhook", "conformance", "--url", url, "--signing-key", "key")
                #expect(nobody.end == .exited(3))
                #expect(nobody.errors.contains("\(url) cannot be reached (connect_failed"), "\(nobody.errors)")
                let wrong: [(arguments: [String], says: String)] = [
                    ([], "Missing expected argument '--url <url>'"),
                    (["--url", url], "give --signing-key or set HTTPSMS_SIGNING_KEY"),
                    (["--url", "ftp://x", "--signing-key", "key"], "--url: "),
                    (["--url", url, "--signing-key", " "], "--signing-key must not be empty"),
                    (["--url", url, "--signing-key", "key", "--checks", "nonsense"], "there is no check 'nonsense'"),
                    (["--url", url, "--signing-key", "key", "--handled-log", "/nowhere"], "/nowhere cannot be read"),
                ]
                for (arguments, says) in wrong {
                    let process = try installation.start(["webhook", "conformance"] + arguments)
                    #expect(try await process.wait() == .exited(2), "\(arguments)")
                    #expect(process.errors.contains(says), "\(process.errors)")
                }
            }
        }

        private func conform(
            _ installation: Installation, _ url: String, _ log: String, _ options: String...
        ) async throws -> Installation.Finished {
            let process = try installation.start(
                [
                    "webhook", "conformance", "--url", url, "--signing-key", Self.key, "--audience",
                    "https://example.com/hook", "--encryption-key", "Password123", "--handled-log", log,
                ] + options)
            let end = try await process.wait()
            return .init(end: end, output: process.output, errors: process.errors)
        }

        /// Runs `body` beside `Judges/hook.py`, which does one thing wrong.
        private func withHook(
            _ fault: String, _ body: (_ url: String, _ log: String, Installation) async throws -> Void
        ) async throws {
            try await withInstallation { installation in
                let logs = installation.folder + "/hook"
                let process = try IndependentSink.python(
                    "EndToEndTests/Judges/hook.py", [], logs: logs,
                    environment: [
                        "FAULT": fault, "HTTPSMS_SIGNING_KEY": Self.key, "HTTPSMS_ENCRYPTION_KEY": "Password123",
                        "HTTPSMS_CALLBACK_URL": "https://example.com/hook",
                    ])
                defer { process.killNow() }
                let port = try await eventually("the receiver listens") {
                    if let end = process.end { throw TestFailure("the receiver ended: \(end) \(process.errors)") }
                    return process.output.hasSuffix("\n") ? process.output.dropLast() : nil
                }
                try await body("http://127.0.0.1:\(port)/hook", logs + ".out", installation)
            }
        }
    }
}
