import Foundation
import NIOHTTP1
import Synchronization
import TestSupport
import Testing

extension EndToEndTests {
    /// Commands whose reader leaves, as `head`, `grep -m1` and a pager do.
    @Suite struct ClosedPipe {
        /// Starts `script` in a shell that knows the program as `httpsms`, and the account's key.
        private func start(_ script: String, in installation: Installation) throws -> ChildProcess {
            let settings = ["HTTPSMS_URL": installation.baseURL, "HTTPSMS_API_KEY": Client.apiKey]
            return try ChildProcess(
                "/bin/bash", ["-c", "httpsms() { '\(Installation.binary)' \"$@\"; }\n\(script)"],
                environment: installation.environment.merging(settings) { $1 }, logs: installation.folder + "/shell")
        }

        @Test(.timeLimit(.minutes(15)))
        func aReaderThatLeavesEndsACommandWithoutAWord() async throws {
            try await withInstallation { installation in
                try await installation.serve()
                let client = Client(installation: installation)
                _ = try await installation.run(
                    "user", "create", "--email", "owner@example.com", "--id", "owner", "--api-key", Client.apiKey)
                _ = try await client.call(
                    .PUT, "/v1/phones", ["phone_number": "+18005550199", "fcm_token": "", "sim": "SIM1"])
                let tail = try start(
                    "httpsms events tail --after 0 --json | head -n 1; exit ${PIPESTATUS[0]}", in: installation)
                let count = Mutex(0)
                // Only what is written after the reader left can tell that it did.
                try await until("the command to end") {
                    let number = count.withLock { count in
                        count += 1
                        return count
                    }
                    _ = try await client.call(
                        .POST, "/v1/messages/receive",
                        [
                            "from": "+18005550100", "to": "+18005550199", "content": "\(number)", "sim": "SIM1",
                            "timestamp": "2026-07-22T10:15:29.814Z", "encrypted": false,
                        ])
                    return tail.end != nil
                }

                // 141 is what SIGPIPE gives.
                #expect(tail.end == .exited(141))
                #expect(tail.output.split(separator: "\n").count == 1)
                #expect(!tail.errors.contains("rror"), "\(tail.errors)")
                // Nobody reads from the start.
                let nobody = try start("httpsms doctor > >(exit) ; exit $?", in: installation)
                #expect([.exited(0), .exited(141)].contains(try await nobody.wait()))
                #expect(!nobody.errors.contains("Fatal error"))
            }
        }

        /// What nobody could read must not be made: an account whose key nobody has.
        @Test(
            .timeLimit(.minutes(15)),
            arguments: [
                ("> /dev/full", 1), (">&-", 1), ("<&- >&- 2>&-", 1), (">&7", 141),
            ] as [(String, Int32)])
        func withoutOutputNoAccountIsMade(output: String, status: Int32) async throws {
            try await withInstallation { installation in
                // 7 is a pipe whose reader has left.
                let script = "exec 7> >(exit); wait $!; httpsms user create --email me@example.com \(output)"

                let process = try start(script, in: installation)

                #expect(try await process.wait() == .exited(status))
                let isTold = status == 1 && !output.contains("2>&-")
                #expect(process.errors.contains("Error: cannot write to standard output") == isTold)
                #expect(process.output == "")
                let listed = try FileManager.default.subpathsOfDirectory(atPath: installation.folder)
                #expect(!listed.contains { $0.contains(".sqlite") }, "\(listed)")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func withoutOutputNoKeyIsMadeOrReplaced() async throws {
            try await withInstallation { installation in
                try await installation.serve()
                let client = Client(installation: installation)
                _ = try await installation.run(
                    "user", "create", "--email", "owner@example.com", "--id", "owner", "--api-key", Client.apiKey)

                for command in [
                    "user rotate-key --email owner@example.com", "phone-key create --name lost",
                    "access-key create --name lost --scope messages:read",
                    "api POST /v1/phone-api-keys --data '{\"name\": \"lost\"}'",
                    "webhook create --callback http://127.0.0.1:9/lost", "phone pair --number +18005550199 --no-wait",
                ] {
                    let process = try start("httpsms \(command) >&-", in: installation)
                    #expect(try await process.wait() == .exited(1), "\(command)")
                    #expect(process.errors.contains("Error: cannot write to standard output"), "\(command)")
                }

                // Also says that the account's key is as it was.
                for list in ["phone-key list", "access-key list", "webhook list"] {
                    let process = try start("httpsms \(list)", in: installation)
                    #expect(try await process.wait() == .exited(0), "\(list): \(process.errors)")
                    #expect(!process.output.contains("lost"), "\(list): \(process.output)")
                }
                #expect(try await client.send(.GET, "/v1/users/me").status == 200)
            }
        }
    }
}
