import ArgumentParser
import Client

struct AccessKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "access-key", abstract: "Manage keys for programs, which may do what their scopes say.",
        subcommands: [List.self, Create.self, Delete.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the access keys of the account, and when each was used last.",
            discussion: """
                Example:
                  httpsms access-key list
                """)

        @OptionGroup var options: ClientOptions

        func run() async throws { try options.show(try await options.client().accessKeys()) }
    }

    struct Create: AsyncParsableCommand {
        private static let scopes = [
            "messages:read", "messages:send", "messages:manage", "contacts:manage", "events:read", "deliveries:read",
            "webhooks:manage", "phones:manage",
        ]

        static let configuration = CommandConfiguration(
            abstract: "Create a key for a program, and print it. It is shown this once.",
            discussion: """
                Scopes are \(scopes.joined(separator: ", ")).

                Examples:
                  httpsms access-key create --name Reports --scope messages:read --expires 2160h
                  httpsms access-key create --name Shop --scope messages:send --json | jq -r .api_key
                """)

        @Option(help: "What you call the key.") var name: String
        @Option(
            help: "What it may do; may be given more than once.",
            completion: .list(scopes)) var scope: [String]
        @Option(help: "When it ends: a time, or how long from now, such as 720h (default: never)") var expires: String?
        @OptionGroup var options: ClientOptions

        func run() async throws {
            Terminal.requireOutput()
            try options.show(
                try await options.client().createAccessKey(name: name, scopes: scope, expires: expires))
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete an access key. The program that uses it is refused from then on.",
            discussion: """
                Example:
                  httpsms access-key delete 01a213dd-60a3-7aa1-9dd8-46a74f39c85b
                """)

        @Argument(help: "The key's id.") var id: String
        @OptionGroup var confirmation: Confirmation
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try confirmation.ask("Delete the access key \(id)? The program that uses it is refused from then on.")
            try options.show(try await options.client().deleteAccessKey(id))
        }
    }
}
