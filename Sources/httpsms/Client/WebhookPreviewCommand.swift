import ArgumentParser
import Client

extension WebhookCommand {
    struct Preview: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what a webhook of some format would send. Nothing is stored or sent.",
            discussion: """
                It is made of the newest event of that type that the account has had, or else of a sample.

                Examples:
                  httpsms webhook preview --format telegram
                  httpsms webhook preview --template body.mustache --event message.call.missed
                """)

        @OptionGroup var shape: WebhookFormatOptions

        @Option(help: "The type of the event.", completion: eventCompletion)
        var event = "message.phone.received"

        @OptionGroup var options: ClientOptions

        func run() async throws {
            try options.show(
                try await options.client().previewWebhook(
                    format: shape.chosenFormat, template: try shape.readTemplate(), event: event))
        }
    }
}
