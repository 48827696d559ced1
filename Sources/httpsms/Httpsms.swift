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
            Keys.self, BackupCommand.self, RestoreCommand.self,
            LoginCommand.self, LogoutCommand.self, WhoamiCommand.self, ProfileCommand.self, SendCommand.self,
            BulkCommand.self, ScheduleCommand.self, WebhookCommand.self, EventsCommand.self, TriggerCommand.self,
            MessageCommand.self, ThreadCommand.self, PhoneKeyCommand.self, AccessKeyCommand.self, AlertCommand.self,
            APICommand.self, MCPCommand.self,
            Bench.self, BenchSink.self, BenchNoOp.self, BenchLoad.self, BenchPost.self, BenchBodies.self,
        ])

    static func main() async {
        StandardStreams.hold()
        // A reader of the log who has left must not end the process. SwiftNIO ignores the signal, too, but from its first socket on.
        signal(SIGPIPE, SIG_IGN)
        if let problem = CommandWords.problem(with: Array(CommandLine.arguments.dropFirst()), below: Self.self) {
            Terminal.note("Error: \(problem)")
            Foundation.exit(ClientFailure.Status.usage.rawValue)
        }
        do {
            var command = try await asyncParseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let failure as ClientFailure {
            Commands.report("Error: \(failure)")
            Foundation.exit(failure.status.rawValue)
        } catch {
            let code = exitCode(for: error)
            // Help is a result.
            guard !code.isSuccess else { exit(withError: error) }
            let message = fullMessage(for: error)
            if !message.isEmpty { Commands.report(message) }
            // How a command ends is a table in `docs/cli.md`: a mistake in the command line has one status everywhere.
            Foundation.exit(code == .validationFailure ? ClientFailure.Status.usage.rawValue : code.rawValue)
        }
    }
}
