import Foundation
import NIOHTTP1
import TestSupport
import Testing

extension EndToEndTests {
    /// `httpsms user create`, beside a running server and alone.
    @Suite struct UserCommand {
        @Test(.timeLimit(.minutes(15)))
        func aNewKeyWorksAtOnceAtTheRunningServer() async throws {
            try await withInstallation { installation in
                let client = Client(installation: installation)
                try await installation.serve()
                #expect(try await client.send(.GET, "/v1/users/me").status == 401)

                let made = try await installation.run(
                    "user", "create", "--email", "owner@example.com", "--id", "owner", "--api-key", Client.apiKey)

                #expect(made.end == .exited(0))
                #expect(made.output == "id:      owner\napi key: \(Client.apiKey)\n")
                #expect(try await client.call(.GET, "/v1/users/me")["email"] == "owner@example.com")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func idAndKeyAreDrawnWhenTheyAreNotGiven() async throws {
            try await withInstallation { installation in
                let first = try await installation.run("user", "create", "--email", "first@example.com")
                let second = try await installation.run("user", "create", "--email", "second@example.com")

                let pattern = /^id:      [0-9a-f-]{36}\napi key: uk_[A-Za-z0-9_-]{64}\n$/
                #expect(first.output.contains(pattern))
                #expect(second.output.contains(pattern))
                #expect(first.output != second.output)
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func thePasswordOfStandardInputSignsInAndTheFirstAccountOwnsTheServer() async throws {
            try await withInstallation { installation in
                func create(_ email: String, _ password: String) async throws -> ChildProcess.Ending {
                    let input = installation.folder + "/\(email).txt"
                    try password.write(toFile: input, atomically: true, encoding: .utf8)
                    return try await installation.start(
                        ["user", "create", "--email", email, "--password-stdin"], input: input
                    ).wait()
                }
                #expect(try await create("Owner@example.com", "correct horse\n") == .exited(0))
                #expect(try await create("short@example.com", "short\n") == .exited(1))
                #expect(try await create("empty@example.com", "") == .exited(1))
                #expect(try await create("member@example.com", "battery staple") == .exited(0))
                try await installation.serve()

                for (email, password, status) in [
                    ("owner@example.com", "correct horse", 303), ("member@example.com", "battery staple", 303),
                    ("owner@example.com", "correct horse ", 422),
                ] {
                    let page = PageClient(baseURL: installation.baseURL)
                    let answer = try await page.submit(
                        "/sign-in", on: "/sign-in", [("email", email), ("password", password)])
                    #expect(answer.status == status)
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func aForgottenPasswordIsReplacedBesideTheRunningServer() async throws {
            try await withInstallation { installation in
                func set(_ email: String, _ password: String) async throws -> ChildProcess {
                    let input = installation.folder + "/password.txt"
                    try password.write(toFile: input, atomically: true, encoding: .utf8)
                    let process = try installation.start(["user", "password", "--email", email], input: input)
                    _ = try await process.wait()
                    return process
                }
                _ = try await installation.run(
                    "user", "create", "--email", "owner@example.com", "--api-key", Client.apiKey)
                try await installation.serve()
                #expect(try await set("owner@example.com", "the first one\n").end == .exited(0))
                let page = PageClient(baseURL: installation.baseURL)
                func signIn(_ page: PageClient, _ password: String) async throws -> Int {
                    try await page.submit(
                        "/sign-in", on: "/sign-in", [("email", "owner@example.com"), ("password", password)]
                    ).status
                }
                #expect(try await signIn(page, "the first one") == 303)
                #expect(try await page.get("/account").status == 200)

                let again = try await set("OWNER@example.com", "the second one\n")

                #expect(again.end == .exited(0) && again.output == "")
                #expect(try await page.get("/account").status == 303)
                let other = PageClient(baseURL: installation.baseURL)
                #expect(try await signIn(other, "the first one") == 422)
                #expect(try await signIn(other, "the second one") == 303)
                #expect(try await Client(installation: installation).send(.GET, "/v1/users/me").status == 200)
                for (email, password, words) in [
                    ("owner@example.com", "short\n", "10 characters"), ("owner@example.com", "", "10 characters"),
                    ("nobody@example.com", "long enough\n", "no account with the e-mail address nobody@example.com"),
                ] {
                    let refused = try await set(email, password)
                    #expect(refused.end == .exited(1) && refused.errors.contains(words), "\(refused.errors)")
                }
                #expect(try await signIn(PageClient(baseURL: installation.baseURL), "the second one") == 303)
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func whatCannotBeAnAccountIsRefusedInWords() async throws {
            try await withInstallation { installation in
                let made = try await installation.run(
                    "user", "create", "--email", "owner@example.com", "--id", "owner", "--api-key", Client.apiKey)
                #expect(made.end == .exited(0))

                for (arguments, words) in [
                    (["--email", "owner@example.com"], "there is an account already with this e-mail address"),
                    (["--email", "a@example.com", "--id", "owner"], "there is an account already with this id"),
                    (
                        ["--email", "a@example.com", "--api-key", Client.apiKey],
                        "there is an account already with this API key"
                    ),
                    (["--email", "nobody"], "'nobody' is not an e-mail address"),
                    (["--email", "a@example.com", "--id", "a b"], "an id has 1 to 128 printable ASCII characters"),
                    (["--email", "a@example.com", "--api-key", "short"], "an API key has 16 to 255 printable"),
                    (["--email", "a@example.com", "--api-key", "pk_12345678"], "does not start with pk_"),
                ] {
                    let process = try installation.start(["user", "create"] + arguments)

                    #expect(try await process.wait() == .exited(1))
                    #expect(process.errors.contains("Error: ") && process.errors.contains(words), "\(arguments)")
                    #expect(process.output == "")
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func anAddressThatIsNoneMakesNoStore() async throws {
            try await withInstallation { installation in
                let wrong = try await installation.run("user", "create", "--email", "nonsense")

                #expect(wrong.end == .exited(1))
                #expect(wrong.errors.contains("'nonsense' is not an e-mail address"), "\(wrong.errors)")
                let listed = try FileManager.default.subpathsOfDirectory(atPath: installation.folder)
                #expect(!listed.contains { $0.hasSuffix(".sqlite") }, "\(listed)")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func accountsAreListedMadeOwnersGivenKeysAndDeleted() async throws {
            try await withInstallation { installation in
                let client = Client(installation: installation)
                _ = try await installation.run("user", "create", "--email", "first@example.com", "--id", "first")
                _ = try await installation.run(
                    "user", "create", "--email", "second@example.com", "--id", "second", "--api-key", Client.apiKey)
                try await installation.serve()
                #expect(try await client.send(.GET, "/v1/users/me").status == 200)

                let list = try await installation.run("user", "list")
                #expect(list.output == "first  first@example.com  (owner)\nsecond  second@example.com\n")
                let kept = try await installation.run("user", "delete", "--email", "first@example.com", "--yes")
                #expect(kept.end == .exited(1))
                #expect(kept.errors.contains("owns the server"), "\(kept.errors)")
                let moved = try await installation.run("user", "owner", "--email", "Second@example.com")
                #expect(moved.end == .exited(0), "\(moved.errors)")
                let unasked = try await installation.run("user", "delete", "--email", "first@example.com")
                #expect(unasked.end == .exited(2))
                let deleted = try await installation.run("user", "delete", "--email", "first@example.com", "--yes")
                #expect(deleted.end == .exited(0), "\(deleted.errors)")
                #expect(
                    try await installation.run("user", "list").output == "second  second@example.com  (owner)\n")

                let rotated = try await installation.run("user", "rotate-key", "--email", "second@example.com")
                #expect(rotated.output.contains(/^api key: uk_[A-Za-z0-9_-]{64}\n$/), "\(rotated.output)")
                try await until("the old key is refused") {
                    try await client.send(.GET, "/v1/users/me").status == 401
                }
                let single = try await installation.run("user", "two-step-off", "--email", "second@example.com")
                #expect(single.end == .exited(1))
                #expect(
                    single.errors.contains("two-step sign-in is not on for second@example.com"), "\(single.errors)")
                let nobody = try await installation.run("user", "owner", "--email", "nobody@example.com")
                #expect(nobody.end == .exited(1))
                #expect(nobody.errors.contains("there is no account with the e-mail address nobody@example.com"))
            }
        }
    }
}
