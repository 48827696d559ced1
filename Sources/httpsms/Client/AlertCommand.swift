import ArgumentParser
import Client

struct AlertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alert", abstract: "See what is wrong, and manage who is told of it.",
        subcommands: [Status.self, List.self, Create.self, Update.self, Delete.self, Test.self, Quiet.self, Mail.self])

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what is wrong now.",
            discussion: """
                Example:
                  httpsms alert status
                """)

        @OptionGroup var options: ClientOptions

        func run() async throws { try options.show(try await options.client().alerts()) }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the webhooks that are told of alerts.",
            discussion: """
                Example:
                  httpsms alert list
                """)

        @OptionGroup var options: ClientOptions

        func run() async throws { try options.show(try await options.client().alertWebhooks()) }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a webhook for alerts.",
            discussion: """
                Examples:
                  httpsms alert create --callback https://ntfy.sh/my-secret-topic --format ntfy
                  httpsms alert create --callback https://hooks.slack.com/services/T0/B0/x --format slack
                  httpsms alert create --callback https://ntfy.sh/on-call --format ntfy --cause phone.offline
                """)

        @Option(help: ArgumentHelp("The callback URL.", valueName: "url"))
        var callback: String

        @OptionGroup var settings: AlertWebhookSettings
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try options.show(try await options.client().createAlertWebhook(try settings.change(url: callback)))
        }
    }

    struct Update: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change a webhook for alerts; what is not named stays as it is.",
            discussion: """
                Examples:
                  httpsms alert update 01a213dd-60a3-7aa1-9dd8-46a74f39c85b --cause phone.offline --cause message.failed
                  httpsms alert update 01a213dd-60a3-7aa1-9dd8-46a74f39c85b --cause '*'
                """)

        @Argument(help: "The webhook's id.") var id: String

        @Option(help: ArgumentHelp("The callback URL.", valueName: "url"))
        var callback: String?

        @OptionGroup var settings: AlertWebhookSettings
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try options.show(try await options.client().updateAlertWebhook(id, try settings.change(url: callback)))
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a webhook for alerts.",
            discussion: """
                Example:
                  httpsms alert delete 01a213dd-60a3-7aa1-9dd8-46a74f39c85b
                """)

        @Argument(help: "The webhook's id.") var id: String
        @OptionGroup var confirmation: Confirmation
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try confirmation.ask("Delete the webhook \(id)? It is told of no alert from then on.")
            try options.show(try await options.client().deleteAlertWebhook(id))
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send a sample alert and show the result. Exits 1 if the endpoint did not accept it.",
            discussion: """
                Example:
                  httpsms alert test 01a213dd-60a3-7aa1-9dd8-46a74f39c85b
                """)

        @Argument(help: "The webhook's id.") var id: String
        @OptionGroup var options: ClientOptions

        func run() async throws { try options.show(try await options.client().testAlertWebhook(id)) }
    }

    struct Quiet: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the hours in which nothing is told, set them, or end them.",
            discussion: """
                Examples:
                  httpsms alert quiet
                  httpsms alert quiet --from 22:00 --until 07:00
                  httpsms alert quiet --none
                """)

        @Option(help: "From when on, such as 22:00 in the time zone of the account.") var from: String?
        @Option(help: "Until when, such as 07:00.") var until: String?
        @Flag(help: "Have no quiet hours.") var none = false
        @OptionGroup var options: ClientOptions

        func validate() throws {
            if (from == nil) != (until == nil) { throw ValidationError("--from and --until go together") }
            if none, from != nil { throw ValidationError("--none goes without --from and --until") }
        }

        func run() async throws {
            let client = try options.client()
            let isChange = none || from != nil
            try options.show(
                isChange ? try await client.setQuietHours(from: from, until: until) : try await client.quietHours())
        }
    }
}

extension AlertCommand {
    struct Mail: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show which alerts come by e-mail, or choose them.",
            discussion: """
                E-mail goes to the address of the account, if the server has SMTP_URL.

                Examples:
                  httpsms alert mail
                  httpsms alert mail --no-messages --phones
                """)

        @Flag(inversion: .prefixedNo, help: "SMS that were not sent.") var messages: Bool?
        @Flag(inversion: .prefixedNo, help: "Webhooks that fail or are stopped, and events that wait.") var webhooks:
            Bool?
        @Flag(inversion: .prefixedNo, help: "Phones that are offline.") var phones: Bool?
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try options.show(
                try await options.client().alertMails(messages: messages, webhooks: webhooks, phones: phones))
        }
    }
}

/// What webhooks for alerts have besides a URL.
struct AlertWebhookSettings: ParsableArguments {
    @Option(help: "Signing key; pass '' for none (create: none if omitted)")
    var signingKey: String?

    @Option(
        help: """
            What it is told of, such as phone.offline, or audit.recorded for each change in the account; may be given more than \
            once (create: every alert if omitted).
            """)
    var cause: [String] = []

    @OptionGroup var extra: WebhookHeaderOptions
    @OptionGroup var shape: WebhookFormatOptions
    @OptionGroup var pace: WebhookPaceOptions
    @OptionGroup var certificates: WebhookTrustOptions

    func change(url: String?) throws -> WebhookChange {
        WebhookChange(
            url: try url.map(checkedCallback), signingKey: signingKey, events: cause.isEmpty ? nil : cause,
            payloadFormat: shape.chosenFormat, payloadTemplate: try shape.readTemplate(), headers: extra.headers,
            basicUser: extra.basicUser, basicPassword: extra.basicPassword, plan: pace.plan,
            trust: try certificates.trust())
    }
}
