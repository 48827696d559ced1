import ArgumentParser
import Client
import Foundation
import Server
import Wire

/// `httpsms`: parses the command line and runs one command.
@main
struct Httpsms: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "httpsms",
        abstract: "A self-hosted SMS gateway: an Android phone behind an HTTP API, with webhooks that lose nothing.",
        version: ServerVersion.current,
        subcommands: [
            Serve.self, Demo.self, UserCommand.self, Phone.self, ModemCommand.self, Migrate.self, Doctor.self,
            Keys.self,
            LoginCommand.self,
            SendCommand.self, WebhookCommand.self, EventsCommand.self, TriggerCommand.self,
            Bench.self, BenchSink.self, BenchNoOp.self, BenchLoad.self, BenchPost.self, BenchBodies.self,
        ])

    /// The commands that speak to a server over HTTP; how they end is a table in `docs/cli.md`.
    private static let clients: Set<String> = ["login", "send", "webhook", "events", "trigger"]

    static func main() async {
        do {
            var command = try await asyncParseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let failure as ClientFailure {
            Terminal.note("Error: \(failure)")
            Foundation.exit(failure.status.rawValue)
        } catch {
            let isClient = CommandLine.arguments.dropFirst().first.map(clients.contains) ?? false
            guard isClient, exitCode(for: error) == .validationFailure else { exit(withError: error) }
            Terminal.note(fullMessage(for: error))
            Foundation.exit(ClientFailure.Status.usage.rawValue)
        }
    }
}
