import ArgumentParser
import Client
import Foundation
import Timestamps

struct WebhookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhook", abstract: "Manage webhooks of a server, look at deliveries, and test receivers.",
        subcommands: [
            List.self, Show.self, Create.self, Update.self, Delete.self, Pause.self, Resume.self, Rotate.self,
            Test.self, Preview.self, Callbacks.self,
            DeliveriesCommand.self, DeliveryCommand.self, RetryCommand.self, ReplayCommand.self, ListenCommand.self,
            PlayCommand.self, ConformanceCommand.self,
        ])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the account's webhooks.",
            discussion: """
                Example:
                  httpsms webhook list
                """)

        @OptionGroup var options: ClientOptions

        func run() async throws {
            try options.show(try await options.client().webhooks())
        }
    }

    struct Callbacks: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the URLs that messages named for their own events, and how these fare.",
            discussion: """
                `httpsms webhook deliveries` with the id of one lists what was sent there.

                Example:
                  httpsms webhook callbacks
                """)

        @OptionGroup var options: ClientOptions

        func run() async throws {
            try options.show(try await options.client().callbacks())
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a webhook: its status, events, phones and health.",
            discussion: """
                Example:
                  httpsms webhook show 01a213dd-60a3-7aa1-9dd8-46a74f39c85b
                """)

        @Argument(help: "The webhook's id.") var id: String
        @OptionGroup var options: ClientOptions

        func run() async throws { try options.show(try await options.client().showWebhook(id)) }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a webhook and print its signing key.",
            discussion: """
                Without --event it receives all events, without --phone-number those of all phones.

                Examples:
                  httpsms webhook create --callback https://example.com/hooks/sms
                  httpsms webhook create --callback https://example.com/hooks/sms --event message.phone.received
                  httpsms webhook create --callback https://hooks.slack.com/services/T0/B0/x --format slack --signing-key ''
                """)

        @Option(help: ArgumentHelp("The callback URL.", valueName: "url"))
        var callback: String

        @OptionGroup var settings: WebhookSettings
        @OptionGroup var options: ClientOptions

        func run() async throws {
            Terminal.requireOutput()
            try options.show(try await options.client().createWebhook(try settings.change(url: callback)))
        }
    }

    struct Update: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change a webhook; what is not named stays as it is.",
            discussion: """
                Example:
                  httpsms webhook update 01a213dd-60a3-7aa1-9dd8-46a74f39c85b --event message.phone.received
                """)

        @Argument(help: "The webhook's id.") var id: String

        @Option(help: ArgumentHelp("The callback URL.", valueName: "url"))
        var callback: String?

        @OptionGroup var settings: WebhookSettings
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try options.show(try await options.client().updateWebhook(id, try settings.change(url: callback)))
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a webhook at once; its waiting deliveries are cancelled.",
            discussion: """
                Example:
                  httpsms webhook delete 01a213dd-60a3-7aa1-9dd8-46a74f39c85b
                """)

        @Argument(help: "The webhook's id.") var id: String
        @OptionGroup var confirmation: Confirmation
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try confirmation.ask("Delete the webhook \(id)? Its waiting deliveries are cancelled.")
            try options.show(try await options.client().deleteWebhook(id))
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Hold a webhook's events instead of sending them.",
            discussion: """
                Example:
                  httpsms webhook pause 01a213dd-60a3-7aa1-9dd8-46a74f39c85b
                """)

        @Argument(help: "The webhook's id.") var id: String
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try options.show(try await options.client().pauseWebhook(id))
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send the held events, in order, and continue.",
            discussion: """
                Example:
                  httpsms webhook resume 01a213dd-60a3-7aa1-9dd8-46a74f39c85b --rate 10
                """)

        @Argument(help: "The webhook's id.") var id: String

        @Option(help: "How many held events are sent per second (default: as fast as the endpoint accepts them)")
        var rate: Double?

        @OptionGroup var options: ClientOptions

        func run() async throws {
            try options.show(try await options.client().resumeWebhook(id, rate: rate))
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Replace the signing key; both sign until the overlap is over. Prints the new key.",
            discussion: """
                Example:
                  httpsms webhook rotate 01a213dd-60a3-7aa1-9dd8-46a74f39c85b --overlap 1h
                """)

        @Argument(help: "The webhook's id.") var id: String

        @Option(help: "The new key (default: the server generates one)")
        var signingKey: String?

        @Option(help: "How long the old key stays valid, such as 90s, 10m or 24h (default: 24h)")
        var overlap: String?

        @Flag(help: "End the overlap of an earlier rotation now.")
        var finish = false

        @OptionGroup var options: ClientOptions

        func validate() throws {
            if finish, signingKey != nil || overlap != nil {
                throw ValidationError("--finish goes without --signing-key and --overlap")
            }
            if let overlap, DurationText.parse(overlap) == nil {
                throw ValidationError("--overlap must be a duration, such as 90s, 10m or 24h")
            }
        }

        func run() async throws {
            Terminal.requireOutput()
            let client = try options.client()
            if finish { return try options.show(try await client.finishRotation(id)) }
            try options.show(
                try await client.rotateWebhook(
                    id, signingKey: signingKey, overlap: overlap.flatMap(DurationText.parse)))
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send a sample event and show the result. Exits 1 if the endpoint did not accept it.",
            discussion: """
                Example:
                  httpsms webhook test 01a213dd-60a3-7aa1-9dd8-46a74f39c85b --event message.call.missed
                """)

        @Argument(help: "The webhook's id.") var id: String

        @Option(help: "The type of the event.", completion: eventCompletion)
        var event = "message.phone.received"

        @OptionGroup var options: ClientOptions

        func run() async throws {
            try options.show(try await options.client().testWebhook(id, event: event))
        }
    }
}

/// In which shape a webhook gets events.
struct WebhookFormatOptions: ParsableArguments {
    @Option(
        help:
            """
            What is sent: cloudevents, cloudevents-extended, slack, discord, telegram, ntfy, teams, matrix, form, home-assistant \
            or template.
            """,
        completion: .list([
            "cloudevents", "cloudevents-extended", "slack", "discord", "telegram", "ntfy", "teams", "matrix", "form",
            "home-assistant", "template",
        ]))
    var format: String?

    @Option(
        help: ArgumentHelp(
            "A file with a Mustache template of the body; implies --format template.", valueName: "file"),
        completion: .file())
    var template: String?

    @Option(help: "The content type of the template's body.")
    var contentType = "application/json"

    @Option(help: "POST or PUT, for a template.", completion: .list(["POST", "PUT"]))
    var method = "POST"

    /// The format that is asked for; nil for none.
    var chosenFormat: String? { format ?? (template == nil ? nil : "template") }

    /// The template in the file; nil without one.
    func readTemplate() throws -> WebhookTemplate? {
        guard let template else { return nil }
        do {
            let body = try String(contentsOfFile: template, encoding: .utf8)
            return WebhookTemplate(method: method, contentType: contentType, body: body)
        } catch {
            throw ValidationError("the template \(template) cannot be read as text")
        }
    }
}

/// What `create` and `update` set.
struct WebhookSettings: ParsableArguments {
    @Option(help: "Signing key; pass '' for none (create: generated if omitted)")
    var signingKey: String?

    @Option(help: "An event that is sent; may be given more than once.", completion: eventCompletion)
    var event: [String] = []

    @Option(help: "A phone whose events are sent; may be given more than once.")
    var phoneNumber: [String] = []

    @Flag(help: "Send the events of all phones, also of those that come later.")
    var allPhoneNumbers = false

    @Option(
        help: "none, or message: the events of a message arrive in their order.",
        completion: .list(["none", "message"]))
    var ordering: String?

    @OptionGroup var extra: WebhookHeaderOptions
    @OptionGroup var shape: WebhookFormatOptions
    @OptionGroup var pace: WebhookPaceOptions
    @OptionGroup var only: WebhookFilterOptions
    @OptionGroup var certificates: WebhookTrustOptions

    func validate() throws {
        if allPhoneNumbers, !phoneNumber.isEmpty {
            throw ValidationError("--all-phone-numbers goes without --phone-number")
        }
    }

    func change(url: String?) throws -> WebhookChange {
        WebhookChange(
            url: try url.map(checkedCallback), signingKey: signingKey, events: event.isEmpty ? nil : event,
            phoneNumbers: phoneNumber.isEmpty ? nil : phoneNumber, allPhoneNumbers: allPhoneNumbers, ordering: ordering,
            payloadFormat: shape.chosenFormat, payloadTemplate: try shape.readTemplate(), headers: extra.headers,
            basicUser: extra.basicUser, basicPassword: extra.basicPassword, plan: pace.plan, filters: only.filters,
            trust: try certificates.trust())
    }
}

/// A callback URL as somebody typed it.
///
/// The server takes a bare name for one of HTTPS, as httpSMS does; here it is more often a mistake.
///
/// - Throws: `ValidationError` when it has no scheme or another one.
func checkedCallback(_ url: String) throws -> String {
    guard ["https://", "http://"].contains(where: url.lowercased().hasPrefix) else {
        throw ValidationError("--callback must begin with https:// or http://, such as https://example.com/hook")
    }
    return url
}
