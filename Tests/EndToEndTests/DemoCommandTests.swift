import Foundation
import TestSupport
import Testing

extension EndToEndTests {
    /// `httpsms demo`, the first thing that a newcomer runs.
    @Suite struct DemoCommand {
        @Test(.timeLimit(.minutes(15)))
        func onceShowsTheEightEventsInANewFolderAndAgain() async throws {
            try await withInstallation { installation in
                for _ in 1...2 {
                    let finished = try await installation.run("demo", "--once", within: .seconds(60))

                    #expect(finished.end == .exited(0), "\(finished.errors)")
                    let lines = finished.output.split(separator: "\n").filter { $0.hasSuffix("verified") }
                    #expect(
                        lines.map { String($0.prefix { $0 != " " }) } == [
                            "message.phone.received", "message.call.missed", "message.phone.sent",
                            "message.phone.delivered", "message.send.failed", "message.send.expired",
                            "phone.heartbeat.offline", "phone.heartbeat.online",
                        ], "\(finished.output)")
                    #expect(finished.output.contains(/with the SMSGate app: paired, sent and delivered/))
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func itStaysUpTellsHowToSignInAndEndsWhenItIsAsked() async throws {
            try await withInstallation { installation in
                let process = try installation.start(["demo"])
                try await until("what to try next") {
                    process.end != nil || process.output.contains("Stop with Ctrl-C.")
                }

                let url = try #require(process.output.firstMatch(of: /Open the dashboard:  (\S+)/)?.1)
                let password = try #require(process.output.firstMatch(of: /password:  (\S+)/)?.1)
                let page = PageClient(baseURL: String(url))
                let answer = try await page.submit(
                    "/sign-in", on: "/sign-in", [("email", "demo@example.com"), ("password", String(password))])
                #expect(answer.status == 303)

                process.signal(SIGINT)

                #expect(try await process.wait(within: .seconds(10)) == .exited(0), "\(process.errors)")
            }
        }

        /// Else the demonstration's account would own the server that is started in the same folder afterwards.
        @Test(.timeLimit(.minutes(15)))
        func withoutAnotherWordItHasAStoreOfItsOwn() async throws {
            try await withInstallation { installation in
                let environment = installation.environment.filter { $0.key != "DATABASE_URL" }
                let process = try ChildProcess(
                    "/bin/sh", ["-c", "cd '\(installation.folder)' && exec '\(Installation.binary)' demo --once"],
                    environment: environment, logs: installation.folder + "/demo")

                #expect(try await process.wait() == .exited(0), "\(process.errors)")
                let files = FileManager.default
                #expect(files.fileExists(atPath: installation.folder + "/demo-data/httpsms.sqlite"))
                #expect(!files.fileExists(atPath: installation.folder + "/data"))
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func itListensOnLoopbackOnly() async throws {
            try await withInstallation { installation in
                let finished = try await installation.run("demo", "--once", settings: ["HTTP_HOST": "0.0.0.0"])

                #expect(finished.end == .exited(1))
                #expect(finished.errors.contains("HTTP_HOST cannot be read: it must be an address of loopback"))
            }
        }
    }
}
