import Foundation
import NIOHTTP1
import TestSupport
import Testing

extension EndToEndTests {
    /// `httpsms serve` as an operator meets it when something is not as it should be.
    @Suite struct ServeCommand {
        @Test(
            .timeLimit(.minutes(15)),
            arguments: [
                ("HTTP_PORT", "http"), ("DATABASE_URL", "mysql://localhost"), ("APP_URL", "example.com"),
                ("MASTER_KEY", "c2hvcnQ="), ("WEBHOOK_ALLOWED_NETWORKS", "10.0.0.0/33"),
                ("WEBHOOK_RETRY_DELAYS", "1s,2s,3s,4s,5s"), ("HEARTBEAT_OFFLINE_AFTER", "an hour"),
                ("MESSAGE_EXPIRATION_MIN", "500ms"), ("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml"),
            ])
        func anUnreadableVariableIsNamed(variable: String, value: String) async throws {
            try await withInstallation { installation in
                let finished = try await installation.run("serve", settings: [variable: value])

                #expect(finished.end == .exited(1))
                #expect(finished.errors.contains("Error: \(variable) cannot be read: it must be "))
                #expect(!finished.errors.contains(value), "the value may be a secret")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func aSecondServerOnTheSameDatabaseIsRefused() async throws {
            try await withInstallation { installation in
                try await installation.serve()

                let second = try await installation.run("serve")

                #expect(second.end == .exited(1))
                let process = try #require(installation.server)
                #expect(
                    second.errors.contains(
                        "Error: Another server (process \(process.id)) uses \(installation.databasePath)"))
                #expect(process.end == nil)
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func aPortInUseIsNamed() async throws {
            try await withInstallation { first in
                try await first.serve()
                let port = try #require(first.baseURL.split(separator: ":").last)
                try await withInstallation { second in
                    let finished = try await second.run("serve", settings: ["HTTP_PORT": String(port)])

                    #expect(finished.end == .exited(1))
                    #expect(
                        finished.errors.contains("Error: another program listens on port \(port) of 127.0.0.1: "))
                }
            }
        }

        @Test(.timeLimit(.minutes(15)), arguments: ["host.invalid", "203.0.113.9"])
        func anAddressThatIsNotOursIsNamed(host: String) async throws {
            try await withInstallation { installation in
                let finished = try await installation.run("serve", settings: ["HTTP_HOST": host])

                #expect(finished.end == .exited(1))
                #expect(finished.errors.contains(host) && finished.errors.contains("HTTP_HOST"))
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func theKeyFileAndTheDatabaseAreForTheOwnerOnly() async throws {
            try await withInstallation { installation in
                try await installation.serve()

                for path in [installation.databasePath, installation.databasePath + ".key"] {
                    let attributes = try FileManager.default.attributesOfItem(atPath: path)
                    #expect(attributes[.posixPermissions] as? Int == 0o600, "\(path)")
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func flagsStandForTheirVariables() async throws {
            try await withInstallation(["HTTP_PORT": "http", "LOG_FORMAT": "xml"]) { installation in
                let path = installation.folder + "/other/flags.sqlite"
                let process = try installation.start([
                    "serve", "--host", "127.0.0.1", "--port", "0", "--database-url", "sqlite:\(path)", "--app-url",
                    "https://sms.example.com", "--log-level", "info", "--log-format", "json",
                ])
                try await until("the server listens") {
                    process.errors.contains(#""message":"server is listening""#) || process.end != nil
                }

                #expect(FileManager.default.fileExists(atPath: path))
                process.signal(SIGTERM)
                #expect(try await process.wait() == .exited(0))
            }
        }

        @Test(
            .timeLimit(.minutes(15)),
            arguments: [
                [], ["serve"], ["demo"], ["user"], ["user", "create"], ["phone"], ["phone", "simulate"],
                ["migrate"], ["doctor"],
            ])
        func everyCommandExplainsItself(command: [String]) async throws {
            try await withInstallation { installation in
                let process = try installation.start(command + ["--help"])

                #expect(try await process.wait() == .exited(0))
                #expect(process.output.contains("USAGE: " + (["httpsms"] + command).joined(separator: " ")))
                #expect(process.output.contains("OVERVIEW: "))
            }
        }
    }
}
