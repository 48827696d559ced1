import Foundation
import TestSupport
import Testing

extension EndToEndTests {
    /// `httpsms doctor` and `httpsms migrate`.
    @Suite struct DoctorCommand {
        @Test(.timeLimit(.minutes(15)))
        func migrateMakesTheStoreOnce() async throws {
            try await withInstallation { installation in
                let first = try await installation.run("migrate")
                let second = try await installation.run("migrate")

                #expect(first.end == .exited(0))
                #expect(first.output.hasPrefix("Applied: delivery-1, "))
                #expect(second.end == .exited(0))
                #expect(second.output == "The store is up to date.\n")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func aNewAndAHealthyInstallationHaveNoProblem() async throws {
            try await withInstallation { installation in
                let new = try await installation.run("doctor")
                #expect(new.end == .exited(0))
                #expect(!FileManager.default.fileExists(atPath: installation.databasePath), "it changes nothing")

                try await installation.serve()
                let running = try await installation.run("doctor")
                #expect(running.end == .exited(0), "\(running.output)")
                try await installation.stop()
                let stopped = try await installation.run("doctor")
                #expect(stopped.end == .exited(0), "\(stopped.output)")
                #expect(stopped.output.contains("opens, is up to date, and fits the master key"))
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func everyFaultOfTheConfigurationIsToldAtOnceAlsoAsJSON() async throws {
            try await withInstallation { installation in
                let wrong = try await installation.run(
                    "doctor", "--json", "--log-format", "nonsense",
                    settings: ["HTTP_PORT": "-1", "WEBHOOK_RETRY_DELAYS": "0s", "EVENT_RETENTION": "soon"])

                #expect(wrong.end == .exited(1))
                let findings = try JSONDecoder().decode(JSONValue.self, from: Data(wrong.output.utf8)).elements
                #expect(findings.allSatisfy { $0["level"] == "problem" && $0["subject"] == "configuration" })
                let named = findings.compactMap { $0["text"].text?.split(separator: " ").first.map(String.init) }
                #expect(
                    Set(named) == ["HTTP_PORT", "WEBHOOK_RETRY_DELAYS", "EVENT_RETENTION", "LOG_FORMAT"], "\(named)")
                let right = try await installation.run("doctor", "--json")
                #expect(right.end == .exited(0))
                #expect(right.output.hasPrefix(#"[{"level":"ok","subject":"configuration","#), "\(right.output)")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func theServerAndItsAddressAreAsked() async throws {
            let port = try freePort()
            let url = "http://127.0.0.1:\(port)"
            try await withInstallation(["HTTP_PORT": "\(port)", "APP_URL": url]) { installation in
                let before = try await installation.run("doctor")
                #expect(before.end == .exited(0) && before.output.contains("server: none answers at \(url)"))

                try await installation.serve()
                let during = try await installation.run("doctor")
                #expect(during.end == .exited(0), "\(during.output)")
                #expect(during.output.contains("server: it answers at \(url), and can work"))
                #expect(during.output.contains("APP_URL: \(url) leads to a server"))
                #expect(during.output.contains("disk: "))
                try await expectProblem(
                    installation, ["APP_URL": url + "/v1"], "APP_URL", "\(url)/v1/health is answered 404")
                let unreachable = try await installation.run("doctor", settings: ["APP_URL": "http://127.0.0.1:1"])
                #expect(unreachable.end == .exited(0), "\(unreachable.output)")
                #expect(unreachable.output.contains("WARNING  APP_URL: http://127.0.0.1:1 cannot be reached"))

                try await installation.stop()
                try await withPython([
                    "-m", "http.server", "--bind", "127.0.0.1", "\(port)", "--directory", "/proc/self",
                ]) {
                    try await until("something else is told") {
                        try await installation.run("doctor").output.contains(
                            "PROBLEM  server: at \(url) something else answers, with status 404")
                    }
                }
                let silent = "import socket, time; s = socket.create_server(('127.0.0.1', \(port))); time.sleep(600)"
                try await withPython(["-c", silent]) {
                    try await until("silence is told") {
                        try await installation.run("doctor").output.contains(
                            "PROBLEM  server: at \(url) something listens and does not answer within 5 s")
                    }
                }
            }
        }

        /// Another program beside `body`.
        private func withPython(_ arguments: [String], _ body: () async throws -> Void) async throws {
            let other = try ChildProcess(
                "/usr/bin/python3", arguments, environment: ["PATH": "/usr/bin:/bin"],
                logs: NSTemporaryDirectory() + UUID().uuidString)
            defer { other.killNow() }
            try await body()
        }

        @Test(.timeLimit(.minutes(15)))
        func whatIsWrongIsNamedWithWhatToMend() async throws {
            try await withInstallation { installation in
                #expect(try await installation.run("user", "create", "--email", "a@example.com").end == .exited(0))
                let keyPath = installation.databasePath + ".key"
                let key = try String(contentsOfFile: keyPath, encoding: .utf8)

                let otherKey = Data(repeating: 7, count: 32).base64EncodedString()
                try await expectProblem(
                    installation, ["MASTER_KEY": otherKey], "store",
                    "the store was written with another master key: set MASTER_KEY, or restore the key file")
                try await expectProblem(
                    installation, ["HTTP_PORT": "-1"], "configuration", "HTTP_PORT cannot be read: it must be a port")

                try FileManager.default.removeItem(atPath: keyPath)
                try await expectProblem(
                    installation, [:], "store",
                    "it is encrypted, but there is no master key: set MASTER_KEY, or restore the key file")
                #expect(!FileManager.default.fileExists(atPath: keyPath), "a new key would hide the loss")
                let refused = try await installation.run("serve")
                #expect(refused.end == .exited(1))
                #expect(refused.errors.contains("the store is encrypted, but there is no master key"))
                #expect(!FileManager.default.fileExists(atPath: keyPath), "a new key would hide the loss")

                try Data("no key".utf8).write(to: URL(filePath: keyPath))
                try await expectProblem(
                    installation, [:], "master key", "\(keyPath) does not hold a master key, 32 bytes in base64")

                try Data(key.utf8).write(to: URL(filePath: keyPath))
                try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: keyPath)
                try await expectProblem(
                    installation, [:], "master key",
                    "\(keyPath) cannot be read by the server's user (check its owner and mode")
                try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: keyPath)
                try await expectProblem(
                    installation, [:], "master key", "others may read \(keyPath): run chmod 600 \(keyPath)")

                try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: keyPath)
                #expect(try await installation.run("doctor").end == .exited(0))

                for log in ["-wal", "-shm"] {
                    try? FileManager.default.removeItem(atPath: installation.databasePath + log)  // May not be there.
                }
                try Data(repeating: 0x2a, count: 8_192).write(to: URL(filePath: installation.databasePath))
                try await expectProblem(
                    installation, [:], "store", "\(installation.databasePath) is damaged")
            }
        }

        private func expectProblem(
            _ installation: Installation, _ settings: [String: String], _ subject: String, _ words: String
        ) async throws {
            let finished = try await installation.run("doctor", settings: settings)
            #expect(finished.end == .exited(1))
            #expect(finished.output.contains("PROBLEM  \(subject): \(words)"), "\(finished.output)")
        }
    }
}
