import ArgumentParser
import Client

struct PhoneKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "phone-key", abstract: "Manage the API keys of phones.",
        subcommands: [List.self, Create.self, Delete.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the phone keys of the account. The keys themselves are shown with --json only.",
            discussion: """
                Example:
                  httpsms phone-key list
                """)

        @OptionGroup var options: ClientOptions

        func run() async throws { try options.show(try await options.client().phoneKeys()) }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a key for a phone, and print it.",
            discussion: """
                Examples:
                  httpsms phone-key create --name "my phone"
                  httpsms phone-key create --name "my phone" --json | jq -r .api_key
                """)

        @Option(help: "What you call the key.") var name: String
        @OptionGroup var options: ClientOptions

        func run() async throws {
            Terminal.requireOutput()
            try options.show(try await options.client().createPhoneKey(name: name))
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a phone key. The phone that uses it can no longer reach the server.",
            discussion: """
                Example:
                  httpsms phone-key delete 01a213dd-60a3-7aa1-9dd8-46a74f39c85b
                """)

        @Argument(help: "The key's id.") var id: String
        @OptionGroup var confirmation: Confirmation
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try confirmation.ask("Delete the phone key \(id)? The phone that uses it can no longer reach the server.")
            try options.show(try await options.client().deletePhoneKey(id))
        }
    }
}

/// `httpsms phone list`.
struct PhoneList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the phones of the account.",
        discussion: """
            Examples:
              httpsms phone list
              httpsms phone list --json | jq -r '.[].phone_number'
            """)

    @OptionGroup var options: ClientOptions

    func run() async throws { try options.show(try await options.client().phones()) }
}

/// How many things a command lists.
struct ListLimit: ParsableArguments {
    @Option(help: "How many, 1 to 100.")
    var limit = 20

    @Option(help: "Where to go on: what the command said when there was more.")
    var cursor: String?

    func validate() throws {
        guard (1...100).contains(limit) else { throw ValidationError("--limit must be from 1 to 100") }
    }
}

struct MessageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "message", abstract: "Look at messages.", subcommands: [List.self, Show.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the messages between a phone and a contact, newest first.",
            discussion: """
                Examples:
                  httpsms message list --owner +18005550199 --contact +18005550100
                  httpsms message list --owner +18005550199 --contact +18005550100 --json | jq -r '.[].content'
                """)

        @Option(help: "The number of your phone.") var owner: String
        @Option(help: "The other party's number.") var contact: String
        @OptionGroup var page: ListLimit
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try options.show(
                try await options.client().messages(
                    owner: owner, contact: contact, limit: page.limit, cursor: page.cursor))
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a message: its status, and when it was sent, delivered or failed.",
            discussion: """
                Example:
                  httpsms message show 32343a19-da5e-4b1b-a767-3298a73703cb
                """)

        @Argument(help: "The message's id.") var id: String
        @OptionGroup var options: ClientOptions

        func run() async throws { try options.show(try await options.client().message(id)) }
    }
}

struct ThreadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "thread", abstract: "Look at conversations.", subcommands: [List.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the conversations of a phone, the one with the newest message first.",
            discussion: """
                Example:
                  httpsms thread list --owner +18005550199
                """)

        @Option(help: "The number of your phone.") var owner: String
        @Flag(help: "Those that are archived, instead of the others.") var archived = false
        @OptionGroup var page: ListLimit
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try options.show(
                try await options.client().threads(
                    owner: owner, isArchived: archived, limit: page.limit, cursor: page.cursor))
        }
    }
}

struct APICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api", abstract: "Call any route of the API with your key, and print the response.",
        discussion: """
            The routes are listed at /docs/api on your server.

            Examples:
              httpsms api GET /v1/phones
              httpsms api GET '/v1/heartbeats?owner=%2B18005550199&limit=5'
              httpsms api POST /v1/phone-api-keys --data '{"name": "my phone"}'
            """)

    @Argument(help: "GET, POST, PUT, PATCH or DELETE.", completion: .list(["GET", "POST", "PUT", "PATCH", "DELETE"]))
    var method: String

    @Argument(help: "The path with its query, such as /v1/phones?limit=5.")
    var path: String

    @Option(help: "The JSON object to send; - reads it from standard input.")
    var data: String?

    @OptionGroup var options: ClientOptions

    func run() async throws {
        // The answer may be a key that is shown once.
        Terminal.requireOutput()
        let body = data == "-" ? try SendCommand.standardInput() : data
        try options.show(try await options.client().request(method, path, body: body))
    }
}
