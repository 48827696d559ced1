import ArgumentParser
import Client

/// What a webhook's requests carry beside the server's own headers.
struct WebhookHeaderOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A header that requests carry; may be given more than once. Replaces all; without a value it keeps its value.",
            valueName: "Name: value"))
    var header: [String] = []

    @Flag(help: "Send no headers but the server's own.")
    var noHeaders = false

    @Option(help: "The user of Basic authorization; pass '' for none.")
    var basicUser: String?

    @Option(help: "The password of Basic authorization.")
    var basicPassword: String?

    func validate() throws {
        if noHeaders, !header.isEmpty { throw ValidationError("--no-headers goes without --header") }
    }

    /// The headers that are asked for; nil leaves them as they are.
    var headers: [WebhookHeader]? {
        if header.isEmpty { return noHeaders ? [] : nil }
        return header.map { line in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? parts[1].drop { $0 == " " } : ""
            return WebhookHeader(name: parts.first.map(String.init) ?? "", value: value.isEmpty ? nil : String(value))
        }
    }
}
