import ArgumentParser
import Client

struct PlayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "play", abstract: "Watch events arrive at a receiver on the server itself.",
        discussion: """
            For those who have no receiver yet: the server keeps the last 100 requests to it, and says of each whether \
            signature and body are right. A webhook that leads there and gets all events is made if there is none. Stop \
            it with Ctrl-C; the receiver stays until --delete.

            Examples:
              httpsms webhook play
              httpsms webhook play --list
              httpsms webhook play --delete
            """)

    @Flag(help: "Show what arrived lately, and end.")
    var list = false

    @Flag(help: "Delete the receiver, what arrived there, and its webhook.")
    var delete = false

    @Option(help: ArgumentHelp("End after so many requests.", valueName: "requests"))
    var count: Int?

    @OptionGroup var options: ClientOptions

    func validate() throws {
        if list, delete { throw ValidationError("--list goes without --delete") }
        if let count {
            if list || delete { throw ValidationError("--count goes without --list and --delete") }
            if count < 1 { throw ValidationError("--count must be at least 1") }
        }
    }

    func run() async throws {
        let client = try options.client()
        if delete { return try options.show(try await client.closePlayground()) }
        if list { return try options.show(try await client.playgroundRequests()) }
        let (webhook, last) = try await client.openPlayground()
        Terminal.note(webhook.text)
        Terminal.note("Waiting for events; `httpsms webhook test` or `httpsms trigger` send one. Ctrl-C ends.")
        try await client.followPlayground(
            after: last, count: count, asJSON: options.json, show: Terminal.line, note: Terminal.note)
    }
}
