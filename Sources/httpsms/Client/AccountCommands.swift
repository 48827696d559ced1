import ArgumentParser
import Client
import Foundation

struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Send an SMS through a phone of the account.",
        discussion: """
            Examples:
              httpsms send --from +18005550199 --to +18005550100 --content "See you at 8"
              httpsms send --from +18005550199 --to +18005550100 --content - < text.txt
            """)

    @Option(help: "The number of the phone that sends.")
    var from: String

    @Option(help: "The recipient's number.")
    var to: String

    @Option(help: "The text; - reads it from standard input.")
    var content: String

    @Option(help: "The URL of a file to send with it; may be given more than once.")
    var attachment: [String] = []

    @Option(help: "What you call the message; its events carry it.")
    var requestID: String?

    @Option(help: "When to send it, such as 2026-07-22T10:15:00Z (default: now)")
    var sendAt: String?

    @Option(help: "A URL that the events of this message are sent to, beside the webhooks.")
    var callbackURL: String?

    @Option(help: "Encrypt the text end to end with this passphrase [HTTPSMS_ENCRYPTION_KEY with --encrypt]")
    var encryptionKey: String?

    @Flag(help: "Encrypt the text end to end.")
    var encrypt = false

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let passphrase =
            encryptionKey ?? (encrypt ? ProcessInfo.processInfo.environment["HTTPSMS_ENCRYPTION_KEY"] : nil)
        if encrypt, passphrase == nil {
            throw ClientFailure(.usage, "--encrypt: give --encryption-key or set HTTPSMS_ENCRYPTION_KEY")
        }
        let text = content == "-" ? try Self.standardInput() : content
        try options.show(
            try await options.client().send(
                OutgoingSMS(
                    from: from, to: to, content: text, attachments: attachment, requestID: requestID, sendAt: sendAt,
                    callbackURL: callbackURL, passphrase: passphrase)))
    }

    /// All of it, without the line break that a shell puts at its end.
    static func standardInput() throws -> String {
        do {
            var text = try FileHandle.standardInput.readToEnd() ?? Data()
            if text.last == UInt8(ascii: "\n") { text.removeLast() }
            return String(decoding: text, as: UTF8.self)
        } catch {
            throw ClientFailure(.usage, "cannot read standard input: \(error.localizedDescription)")
        }
    }
}
