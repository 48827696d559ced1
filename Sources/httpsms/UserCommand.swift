import ArgumentParser
import Foundation
import Server

struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Manage accounts.",
        subcommands: [
            Create.self, List.self, Password.self, TwoStepOff.self, RotateKey.self, Owner.self, Delete.self,
            ImportCommand.self,
        ])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create an account and print its id and API key. Works beside a running server.",
            discussion: """
                The first account owns the server.

                Example:
                  httpsms user create --email me@example.com
                """)

        @Option(help: "The e-mail address, one account for each.")
        var email: String

        @Option(help: "The account's id (default: a new UUID).")
        var id: String?

        @Option(help: "The account's API key (default: a random one).")
        var apiKey: String?

        @Flag(
            help: """
                Read the password for the dashboard from standard input, one line of at least 10 characters (default: \
                none; it is set in the dashboard with the API key).
                """)
        var passwordStdin = false

        @OptionGroup var store: StoreOptions

        func run() async throws {
            Terminal.requireOutput()
            // No line at all is an empty password, which is refused as too short.
            let password = passwordStdin ? readLine(strippingNewline: true) ?? "" : nil
            let user = try await Commands.createUser(
                flags: store.flags, email: email, id: id, apiKey: apiKey, password: password)
            Terminal.line("id:      \(user.id)")
            Terminal.line("api key: \(user.apiKey)")
        }
    }

    struct Password: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set an account's password for the dashboard. Works beside a running server.",
            discussion: """
                Asks for the password on a terminal, or reads one line of standard input: at least 10 characters. All \
                sessions of the account end. Its API key stays valid.

                Example:
                  httpsms user password --email me@example.com
                """)

        @Option(help: "The account's e-mail address.")
        var email: String

        @OptionGroup var store: StoreOptions

        func run() async throws {
            let password = try Terminal.secret("New password: ", again: "The same again: ")
            try await Commands.setPassword(flags: store.flags, email: email, password: password)
            Terminal.note("The password of \(email) was set. Sign in with it; all earlier sessions have ended.")
        }
    }

    struct TwoStepOff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "two-step-off",
            abstract: "Let somebody sign in with the password alone again. Works beside a running server.",
            discussion: """
                For somebody who lost both the authenticator app and the recovery codes. Make sure that it is them who \
                asks.

                Example:
                  httpsms user two-step-off --email me@example.com
                """)

        @Option(help: "The account's e-mail address.")
        var email: String

        @OptionGroup var store: StoreOptions

        func run() async throws {
            try await Commands.removeSecondFactor(flags: store.flags, email: email)
            Terminal.note(
                "The password of \(email) is enough now. They can turn two-step sign-in on again in the dashboard.")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List all accounts, and who owns the server.",
            discussion: """
                Example:
                  httpsms user list
                """)

        @OptionGroup var store: StoreOptions

        func run() async throws {
            for account in try await Commands.accounts(flags: store.flags) {
                Terminal.line("\(account.id)  \(account.email)\(account.isOwner ? "  (owner)" : "")")
            }
        }
    }

    struct RotateKey: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate-key",
            abstract: "Replace an account's API key and print the new one. The old one stops working within a second.",
            discussion: """
                Example:
                  httpsms user rotate-key --email me@example.com
                """)

        @Option(help: "The account's e-mail address.")
        var email: String

        @OptionGroup var store: StoreOptions

        func run() async throws {
            Terminal.requireOutput()
            Terminal.line("api key: \(try await Commands.rotateAPIKey(flags: store.flags, email: email))")
        }
    }

    struct Owner: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an account the owner of the server, in place of the present owner.",
            discussion: """
                The owner invites and removes people, sees the state of the server, and may use the networks of \
                WEBHOOK_ALLOWED_NETWORKS.

                Example:
                  httpsms user owner --email me@example.com
                """)

        @Option(help: "The account's e-mail address.")
        var email: String

        @OptionGroup var store: StoreOptions

        func run() async throws {
            try await Commands.setOwner(flags: store.flags, email: email)
            Terminal.note("\(email) owns the server.")
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete an account with its phones, messages and webhooks. This cannot be undone.",
            discussion: """
                Asks for confirmation on a terminal; elsewhere --yes is required. The account's keys stop working \
                within a second, and a running server erases its data. The owner of the server cannot be deleted: make \
                another account the owner first.

                Example:
                  httpsms user delete --email somebody@example.com
                """)

        @Option(help: "The account's e-mail address.")
        var email: String

        @Flag(help: "Do not ask.")
        var yes = false

        @OptionGroup var store: StoreOptions

        func run() async throws {
            if !yes {
                guard Terminal.isInteractive else { throw ValidationError("this cannot be undone: confirm with --yes") }
                Terminal.note("Delete the account \(email) and everything it has? Type its e-mail address:")
                guard readLine(strippingNewline: true) == email else { throw ValidationError("nothing was deleted") }
            }
            try await Commands.deleteUser(flags: store.flags, email: email)
            Terminal.note("The account \(email) was deleted.")
        }
    }
}
