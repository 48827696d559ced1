import Foundation
import TestSupport
import Testing

extension EndToEndTests {
    /// `login`, `logout`, `whoami` and profiles, against the real server.
    @Suite struct LoginCommands {
        @Test(.timeLimit(.minutes(15)))
        func profilesKeepServersApartAndNeverShowKeys() async throws {
            try await withUser { user, _ in
                let installation = user.installation
                let url = installation.baseURL
                let stored = try await installation.run(
                    "login", "--profile", "shop", "--url", url, "--api-key", Client.apiKey)
                #expect(stored.end == .exited(0), "\(stored.errors)")
                #expect(stored.output.contains("/.config/httpsms/profiles/shop.json"), "\(stored.output)")
                #expect(try await installation.run("login", "--url", url, "--api-key", Client.apiKey).end == .exited(0))

                let who = try await installation.run("whoami", "--profile", "shop")
                #expect(who.output.contains("key of:  the profile shop"), "\(who.output)")
                let plain = try await installation.run("whoami")
                #expect(plain.output.contains("server:  \(url)") && plain.output.contains("`httpsms login`"))
                let given = try await user.run("whoami")
                #expect(given.output.contains("key of:  HTTPSMS_API_KEY"), "\(given.output)")
                let list = try await installation.run("profile", "list")
                #expect(list.output == "PROFILE    SERVER\n(no name)  \(url)\nshop       \(url)\n")
                let json = try await installation.run("profile", "list", "--json")
                #expect(json.output == #"[{"name":null,"url":"\#(url)"},{"name":"shop","url":"\#(url)"}]"# + "\n")
                for output in [stored, who, plain, given, list, json] {
                    #expect(!output.output.contains(Client.apiKey) && !output.errors.contains(Client.apiKey))
                }

                #expect(try await installation.run("logout").end == .exited(0))
                #expect(try await installation.run("whoami").end == .exited(4))
                #expect(try await installation.run("whoami", "--profile", "shop").end == .exited(0))
                #expect(try await installation.run("logout", "--profile", "shop").end == .exited(0))
                let again = try await installation.run("logout", "--profile", "shop")
                #expect(again.end == .exited(0) && again.errors == "Nothing was stored as profile shop.\n")
                let gone = try await installation.run("whoami", "--profile", "shop")
                #expect(gone.end == .exited(4))
                #expect(gone.errors.contains("store it with `httpsms login --profile shop`"), "\(gone.errors)")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func aNamedProfilePrecedesVariablesAndAWrongKeySaysWhoseItIs() async throws {
            try await withUser { user, _ in
                let installation = user.installation
                let stored = try await installation.run(
                    "login", "--profile", "shop", "--url", installation.baseURL, "--api-key", Client.apiKey)
                #expect(stored.end == .exited(0))

                var other = user
                other.settings = ["HTTPSMS_URL": "http://127.0.0.1:1", "HTTPSMS_API_KEY": "uk_wrong"]
                #expect(try await other.run("whoami", "--profile", "shop").end == .exited(0))
                other.settings = ["HTTPSMS_PROFILE": "shop"]
                #expect(try await other.run("whoami").end == .exited(0))
                other.settings = ["HTTPSMS_PROFILE": "shop", "HTTPSMS_API_KEY": "uk_wrong"]
                let refused = try await other.run("whoami")
                #expect(refused.end == .exited(4))
                #expect(refused.errors.contains("The key is that of HTTPSMS_API_KEY."), "\(refused.errors)")
                for name in ["../config", "a/b", "", ".", "-x", "ü", String(repeating: "a", count: 33)] {
                    #expect(try await user.run("whoami", "--profile=\(name)").end == .exited(2), "\(name)")
                    #expect(try await installation.run("logout", "--profile=\(name)").end == .exited(2), "\(name)")
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func filesAreSentAndSchedulesMadeFromTheCommandLine() async throws {
            try await withUser { user, _ in
                let file = user.installation.folder + "/ja\"nuary.csv"
                try Data(
                    """
                    FromPhoneNumber,ToPhoneNumber,Content
                    \(Client.owner),+18005550100,Hello
                    \(Client.owner),+18005550101,Hi

                    """.utf8
                ).write(to: URL(filePath: file))
                let sent = try await user.run("bulk", "send", file)
                #expect(sent.end == .exited(0) && sent.output.contains("Added 2 out of 2 messages"), "\(sent)")
                let files = try await user.run("bulk", "list")
                #expect(files.output.contains("nuary.csv"), "\(files.output)")
                try Data("ToPhoneNumber\n1\n".utf8).write(to: URL(filePath: file))
                let wrong = try await user.run("bulk", "send", file)
                #expect(wrong.end == .exited(1) && wrong.errors.contains("document:"), "\(wrong.errors)")
                #expect(try await user.run("bulk", "send", "/dev/zero.csv").end == .exited(2))
                #expect(try await user.run("bulk", "send", "file.txt").end == .exited(2))

                let made = try await user.json(
                    "schedule", "create", "--name", "Shop", "--timezone", "Europe/Paris", "--window",
                    "mon-fri=09:00-18:30", "--window", "sat=10:00-14:00")
                #expect(made["windows"].elements.count == 6)
                let list = try await user.run("schedule", "list")
                #expect(list.output.contains("mon,tue,wed,thu,fri=09:00-18:30 sat=10:00-14:00"), "\(list.output)")
                let wrongWindow = try await user.run(
                    "schedule", "create", "--name", "Shop", "--timezone", "UTC", "--window", "always")
                #expect(wrongWindow.end == .exited(2) && wrongWindow.errors.contains("mon-fri=09:00-17:00"))
                let id = try #require(made["id"].text)
                #expect(try await user.run("schedule", "delete", id).end == .exited(0))
                #expect(try await user.run("schedule", "delete", id).end == .exited(5))
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func aListThatGoesOnSaysHow() async throws {
            try await withUser { user, client in
                for number in 1...3 { try await client.receive("Hello \(number)", number: number) }
                let arguments = [
                    "message", "list", "--owner", Client.owner, "--contact", "+18005550100", "--limit", "2",
                ]
                func run(_ more: [String]) async throws -> (output: String, errors: String) {
                    let process = try user.installation.start(arguments + more, settings: user.settings)
                    #expect(try await process.wait() == .exited(0))
                    return (process.output, process.errors)
                }

                let first = try await run([])
                let rest = try await run(["--cursor", "2"])

                #expect(first.errors == "There is more: the same with --cursor 2\n")
                #expect(rest.errors == "" && rest.output.contains("Hello 1") && !rest.output.contains("Hello 2"))
                let events = try await user.run("events", "list", "--limit", "1")
                #expect(events.errors.contains("There is more: the same with --cursor -"), "\(events.errors)")
            }
        }
    }
}
