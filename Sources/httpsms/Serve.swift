import ArgumentParser
import Server

/// What every command that uses the store can be told; each flag stands in for its variable.
struct StoreOptions: ParsableArguments {
    @Option(help: ArgumentHelp(Setting.database.help))
    var databaseURL: String?

    @Option(help: ArgumentHelp(Setting.logLevel.help))
    var logLevel: String?

    @Option(help: ArgumentHelp(Setting.logFormat.help))
    var logFormat: String?

    /// By the variable that each stands for.
    var flags: [String: String?] {
        ["DATABASE_URL": databaseURL, "LOG_LEVEL": logLevel, "LOG_FORMAT": logFormat]
    }
}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the server.",
        discussion: """
            Each flag can be set by the variable in brackets. More variables:
            \(Setting.helpOfVariables)

            Example:
              httpsms serve --port 9000
            """)

    @Option(help: ArgumentHelp(Setting.host.help))
    var host: String?

    @Option(help: ArgumentHelp(Setting.port.help))
    var port: String?

    @Option(help: ArgumentHelp(Setting.appURL.help))
    var appURL: String?

    @Option(help: ArgumentHelp(Setting.certificate.help))
    var tlsCertificate: String?

    @Option(help: ArgumentHelp(Setting.certificateKey.help))
    var tlsKey: String?

    @OptionGroup var store: StoreOptions

    func run() async throws {
        let flags = store.flags.merging([
            "HTTP_HOST": host, "HTTP_PORT": port, "APP_URL": appURL, "TLS_CERTIFICATE": tlsCertificate,
            "TLS_KEY": tlsKey,
        ]) { $1 }
        try await Commands.serve(flags: flags)
    }
}
