import ArgumentParser
import Gateway
import Server

/// What every command that uses the store can be told; each flag stands in for its variable.
struct StoreOptions: ParsableArguments {
    @Option(help: ArgumentHelp(SettingTable.table.database.help))
    var databaseURL: String?

    @Option(help: ArgumentHelp(SettingTable.table.logLevel.help))
    var logLevel: String?

    @Option(help: ArgumentHelp(SettingTable.table.logFormat.help))
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
            \(SettingTable.helpOfVariables)

            Example:
              httpsms serve --port 9000
            """)

    @Option(help: ArgumentHelp(SettingTable.table.host.help))
    var host: String?

    @Option(help: ArgumentHelp(SettingTable.table.port.help))
    var port: String?

    @Option(help: ArgumentHelp(SettingTable.table.appURL.help))
    var appURL: String?

    @Option(help: ArgumentHelp(SettingTable.table.certificate.help))
    var tlsCertificate: String?

    @Option(help: ArgumentHelp(SettingTable.table.certificateKey.help))
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
