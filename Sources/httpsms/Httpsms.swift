import ArgumentParser
import Gateway

/// `httpsms`: parses the command line and runs one command.
@main
struct Httpsms: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "httpsms",
        abstract: "A self-hosted SMS gateway: an Android phone behind an HTTP API, with webhooks that lose nothing.",
        version: GatewayServer.version,
        subcommands: [
            Serve.self, Demo.self, UserCommand.self, Phone.self, Migrate.self, Doctor.self, Bench.self, BenchSink.self,
            BenchNoOp.self, BenchLoad.self, BenchPost.self, BenchBodies.self,
        ])
}
