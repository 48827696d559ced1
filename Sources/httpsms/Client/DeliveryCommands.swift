import ArgumentParser
import Client

struct DeliveriesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deliveries", abstract: "List the deliveries of a webhook, newest first.",
        discussion: """
            Example:
              httpsms webhook deliveries 01a213dd-60a3-7aa1-9dd8-46a74f39c85b --status failed
            """)

    @Argument(help: "The webhook's id.") var id: String

    @Option(
        help: "pending, delivering, succeeded, failed, held or cancelled.",
        completion: .list(["pending", "delivering", "succeeded", "failed", "held", "cancelled"]))
    var status: String?

    @Option(help: "A type of event.", completion: eventCompletion)
    var event: String?

    @Option(help: "The id of a message.")
    var message: String?

    @Option(help: "The number of another party: the events of the newest 1,000 messages with it.")
    var contact: String?

    @Option(help: "The status that the last attempt was answered with, such as 502.")
    var statusCode: Int?

    @Flag(help: "Only those that were tried already.")
    var tried = false

    @Option(help: "Those accepted from then on: a time such as 2026-07-22T10:15:00Z, or how long ago, such as 2h.")
    var since: String?

    @Option(help: "Those accepted before then, in the same forms.")
    var until: String?

    @Option(help: "The last id of the page before.")
    var before: String?

    @OptionGroup var page: ListLimit
    @OptionGroup var options: ClientOptions

    func run() async throws {
        try options.show(
            try await options.client().deliveries(
                id,
                .init(
                    status: status, event: event, message: message, contact: contact, statusCode: statusCode,
                    isTried: tried, since: since, until: until, before: before, limit: page.limit),
                cursor: page.cursor))
    }
}

struct DeliveryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delivery", abstract: "Show one delivery with its attempts, and what to do about them.",
        discussion: """
            Example:
              httpsms webhook delivery 01a213dd-60a3-7aa1-9dd8-46a74f39c85b
            """)

    @Argument(help: "The delivery's id.") var id: String
    @OptionGroup var options: ClientOptions

    func run() async throws {
        try options.show(try await options.client().delivery(id))
    }
}

struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Send one delivery again and show the result. Exits 1 if the endpoint did not accept it.",
        discussion: """
            Example:
              httpsms webhook retry 01a213dd-60a3-7aa1-9dd8-46a74f39c85b
            """)

    @Argument(help: "The delivery's id.") var id: String
    @OptionGroup var options: ClientOptions

    func run() async throws {
        try options.show(try await options.client().retryDelivery(id))
    }
}

struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Send past events again: those that failed, unless --status says others.",
        discussion: """
            Ends when the server has looked at all of them; they are sent behind newer events.

            Example:
              httpsms webhook replay 01a213dd-60a3-7aa1-9dd8-46a74f39c85b --since 2h
            """)

    @Argument(help: "The webhook's id.") var id: String

    @Option(help: "Events from then on: a time such as 2026-07-22T10:15:00Z, or how long ago, such as 2h.")
    var since: String

    @Option(help: "Events before then, in the same forms (default: now)")
    var until: String?

    @Option(
        help: "failed, succeeded, or unmatched: not subscribed to then, but now. May be given more than once.",
        completion: .list(["failed", "succeeded", "unmatched"]))
    var status: [String] = []

    @Option(help: "Only events of this type.", completion: eventCompletion)
    var event: String?

    @Option(help: "Only those whose last attempt was answered with this status, such as 502.")
    var statusCode: Int?

    @Option(help: "Only those of messages with this number.")
    var contact: String?

    @Flag(help: "Do not wait until the server has gone through all of them.")
    var noWait = false

    @OptionGroup var options: ClientOptions

    func run() async throws {
        try options.show(
            try await options.client().replay(
                id, since: since, until: until, statuses: status, event: event, statusCode: statusCode,
                contact: contact, isWaited: !noWait, progress: Terminal.progress))
    }
}

struct ListenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "listen", abstract: "Forward events to a port of this machine as they happen.",
        discussion: """
            Follows the account's event log: no webhook is needed, and nothing has to reach this machine from outside. \
            Each event is posted with the headers and signatures of a delivery, and a line shows the answer. After a \
            lost connection it continues where it was. Events are forwarded once, without retries. Stop it with \
            Ctrl-C.

            Examples:
              httpsms webhook listen 3000
              httpsms webhook listen localhost:3000/hook --print-json
            """)

    @Argument(help: "Where to post events: a port, host:port/path, or a URL.")
    var target: String?

    @Option(help: "The same as an option.")
    var forwardTo: String?

    @Option(help: "Signing key [HTTPSMS_SIGNING_KEY] (default: this machine's own, which is printed)")
    var signingKey: String?

    @Option(help: "The callback URL that the receiver expects as aud (default: the URL that events are posted to)")
    var audience: String?

    @Flag(help: "Also print the body of each event.")
    var printJSON = false

    @OptionGroup var log: EventLogOptions
    @OptionGroup var options: ClientOptions

    func validate() throws {
        guard (target == nil) != (forwardTo == nil) else {
            throw ValidationError("say where to post events, such as `httpsms webhook listen 3000`")
        }
    }

    func run() async throws {
        let client = try options.client()
        try await Forwarder.with(
            url: target ?? forwardTo ?? "", audience: audience, signingKey: try SigningKeyOption.key(signingKey)
        ) { forwarder in
            try await client.listen(
                log.filter, after: log.after, forwarder: forwarder,
                report: { outcome in
                    Terminal.line(options.json ? outcome.json : outcome.line)
                    if printJSON { Terminal.line(outcome.body) }
                }, note: Terminal.note)
        }
    }
}
