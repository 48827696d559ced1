import ArgumentParser
import Client
import Foundation

/// Which part of the event log is meant.
struct EventLogOptions: ParsableArguments {
    @Option(help: "Types of events, separated by commas (default: all)", completion: eventCompletion)
    var types: String?

    @Option(help: "The number of a phone (default: all phones)")
    var owner: String?

    @Option(help: "The position in the log to begin after; 0 for its beginning (default: now)")
    var after: Int64?

    var filter: ServerClient.EventFilter { .init(types: types, owner: owner) }

    func validate() throws {
        if let after, after < 0 { throw ValidationError("--after must be a position: 0 or more") }
    }
}

/// The key that signs what this machine sends.
enum SigningKeyOption {
    /// The given key, that of the environment, or this machine's own, which is shown and stays the same.
    static func key(_ given: String?) throws -> String {
        if let key = given ?? ProcessInfo.processInfo.environment["HTTPSMS_SIGNING_KEY"] { return key }
        let key = try LocalSigningKey.key()
        Terminal.note("signing key: \(key)")
        return key
    }
}

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Look at the log of events.",
        subcommands: [Tail.self, List.self, Show.self])

    struct Tail: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print events as they happen, a line each. After a lost connection it continues where it was.",
            discussion: """
                Examples:
                  httpsms events tail --types message.phone.received
                  httpsms events tail --after 0 --json | head -n 5
                """)

        @OptionGroup var log: EventLogOptions
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await options.client().tailEvents(
                log.filter, after: log.after, asJSON: options.json, show: Terminal.line, note: Terminal.note)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List events, newest first; with --after the oldest first from there.",
            discussion: """
                Example:
                  httpsms events list --types message.send.failed
                """)

        @OptionGroup var log: EventLogOptions

        @OptionGroup var page: ListLimit
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try options.show(
                try await options.client().events(
                    log.filter, after: log.after, limit: page.limit, cursor: page.cursor))
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show an event, which webhooks it was sent to, and why not to others.",
            discussion: """
                Example:
                  httpsms events show 01a213dd-60a3-7aa1-9dd8-46a74f39c85b
                """)

        @Argument(help: "The event's id.") var id: String
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try options.show(try await options.client().event(id))
        }
    }
}

struct TriggerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trigger", abstract: "Send a sample of an event: to a webhook, or to a port of this machine.",
        discussion: """
            With --webhook the server sends it, as any other event. With --forward-to this command sends it, and needs no
            server at all. Exits 1 if the receiver did not accept it.

            Examples:
              httpsms trigger message.phone.received --forward-to 3000
              httpsms trigger message.call.missed --webhook 01a213dd-60a3-7aa1-9dd8-46a74f39c85b
            """)

    @Argument(help: "The type of the event, such as message.phone.received.", completion: eventCompletion)
    var event: String

    @Option(help: "The id of the webhook that the server sends it to.")
    var webhook: String?

    @Option(help: "Where this command posts it to, such as http://localhost:3000/hook.")
    var forwardTo: String?

    @Option(help: "With --forward-to: the signing key [HTTPSMS_SIGNING_KEY] (default: this machine's own)")
    var signingKey: String?

    @Option(help: "With --forward-to: what the receiver expects as aud (default: the value of --forward-to)")
    var audience: String?

    @OptionGroup var options: ClientOptions

    func validate() throws {
        guard (webhook == nil) != (forwardTo == nil) else {
            throw ValidationError("give either --webhook or --forward-to")
        }
        if forwardTo != nil, !EventNames.all.contains(event) {
            throw ValidationError("there is no event '\(event)'. There are: \(EventNames.all.joined(separator: ", "))")
        }
    }

    func run() async throws {
        if let webhook { return try options.show(try await options.client().testWebhook(webhook, event: event)) }
        let outcome = try await Forwarder.with(
            url: forwardTo ?? "", audience: audience, signingKey: try SigningKeyOption.key(signingKey)
        ) { try await $0.forwardSample(of: event) }
        Terminal.line(options.json ? outcome.json : outcome.line)
        if !outcome.isSuccess { throw ExitCode(outcome.isUnreachable ? 3 : 1) }
    }
}
