import Foundation
import NIOHTTP1
import TestSupport
import Testing

extension EndToEndTests {
    /// `httpsms user import`, beside the running server that it reads and writes.
    @Suite struct ImportCommand {
        @Test(.timeLimit(.minutes(15)))
        func aHistoryIsImportedCheckedAndImportedAgain() async throws {
            try await withInstallation { installation in
                let client = Client(installation: installation)
                try await client.setUp()
                try await client.call(
                    .POST, "/v1/messages/receive",
                    [
                        "to": .text(Client.owner), "from": "+18005550100", "content": "Hello", "sim": "SIM1",
                        "timestamp": "2026-07-22T10:00:00Z",
                    ])
                let made = try await installation.run("user", "create", "--email", "copy@example.com")
                #expect(made.end == .exited(0))
                let input = installation.folder + "/key.txt"
                func bring(_ more: String..., key: String = Client.apiKey) async throws -> ChildProcess {
                    try "\(key)\n".write(toFile: input, atomically: true, encoding: .utf8)
                    let arguments = ["user", "import", "--email", "copy@example.com", "--from", installation.baseURL]
                    let process = try installation.start(arguments + more, input: input)
                    _ = try await process.wait()
                    return process
                }
                let read = "Messages read: 1, conversations: 1\n"

                for (flag, status, words) in [
                    ("--check", 1, "        1 missing here\n"), ("--dry-run", 0, "        1 would be imported\n"),
                    ("", 0, "        1 imported\n"), ("", 0, "        1 here already\n"),
                    ("--check", 0, "        1 here already\nNothing is missing.\n"),
                ] {
                    let process = flag.isEmpty ? try await bring() : try await bring(flag)

                    #expect(process.end == .exited(Int32(clamping: status)), "\(process.errors)")
                    #expect(process.output.hasPrefix(read + words), "\(process.output)")
                }
                let foreign = try await bring(key: "uk_not-the-key-of-anybody")
                #expect(foreign.end == .exited(4), "\(foreign.errors)")
                let keyless = try await bring(key: "")
                #expect(keyless.end == .exited(2), "\(keyless.errors)")
                let both = try await bring("--check", "--dry-run")
                #expect(both.end == .exited(2), "\(both.errors)")
            }
        }
    }
}
