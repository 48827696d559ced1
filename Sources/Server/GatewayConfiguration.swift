import Configuration
import Dashboard
import Delivery
import Foundation
import Gateway
import Timestamps
import Wire

/// What the operator says, read once at start, and what tests set besides. It has every member of ``SettingValues``.
@dynamicMemberLookup package struct GatewayConfiguration: Sendable {
    /// What is set.
    package var settings: SettingValues
    /// How many clients may be connected, and how long each may take.
    package var connections: ConnectionLimits
    /// What HTTPS is served with; nil serves HTTP.
    package var tls: CertificateFiles?
    /// What a new password's hash costs; no variable lowers it.
    package var passwordCost = PasswordCost.standard

    /// Reads the environment and what `flags`, by variable name, put in its place.
    ///
    /// - Throws: ``ConfigurationError``, which names the variable.
    package init(flags: [String: String?], environment: [String: String]) throws(ConfigurationError) {
        let reader = ConfigReader(providers: [
            EnvironmentVariablesProvider(environmentVariables: flags.compactMapValues(\.self)),
            EnvironmentVariablesProvider(environmentVariables: environment),
        ])
        settings = try SettingValues { variable in
            reader.string(
                forKey: ConfigKey(variable.lowercased().split(separator: "_").map(String.init)), isSecret: true)
        }
        connections = ConnectionLimits(
            connections: settings.maximumConnections ?? ConnectionLimits.connectionsForOpenFiles())
        tls = try CertificateFiles(certificate: settings.certificate, key: settings.certificateKey)
    }

    /// A setting, or what follows from several.
    package subscript<Value>(dynamicMember member: KeyPath<SettingValues, Value>) -> Value {
        settings[keyPath: member]
    }
}

extension GatewayConfiguration {
    /// Where everything is kept, in words without secrets.
    package var storeName: String { settings.postgresURL == nil ? settings.databasePath : "PostgreSQL" }

    /// The folder of this machine that fills with the database; nil with PostgreSQL.
    package var storageFolder: String? {
        settings.postgresURL == nil ? URL(filePath: settings.databasePath).deletingLastPathComponent().path : nil
    }

    /// Under which names this server is reached.
    var site: ServerSite {
        get throws { ServerSite(speaksTLS: tls != nil, appURL: try settings.appURL.map { try CallbackURL($0) }) }
    }

    /// What the system page shows.
    func facts(startedAt: Timestamp) -> SystemFacts {
        SystemFacts(
            settings: shown, isPostgres: settings.postgresURL != nil, pushes: settings.pushes, startedAt: startedAt
        )
    }

    /// What the system page shows, never a secret.
    private var shown: [(name: String, value: String)] {
        let table = SettingTable.table
        let shown: [(any AnySetting, String)] =
            [
                (table.database, storeName),
                (table.appURL, settings.appURL ?? "not set: what this server listens on"),
                (table.attachmentsFolder, settings.filesFolder ?? "not set: files are in the database"),
                (table.eventRetention, Figure.shown(settings.eventRetention)),
                (table.retryDelays, settings.retryDelays.delays.map { Figure.shown($0) }.joined(separator: ", ")),
                (table.offlineAfter, Figure.shown(settings.offlineAfter)),
                (table.nodeLease, Figure.shown(settings.nodeLease)),
            ] + PushKind.allCases.map { ($0.setting, $0.state(in: settings)) }
        return shown.map { ($0.variable, $1) }
    }
}
