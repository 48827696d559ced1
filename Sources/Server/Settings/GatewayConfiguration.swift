import Configuration
import Dashboard
import Delivery
import Foundation
import Gateway
import Logging
import Secrets
import Storage
import Timestamps
import Wire

/// Everything that can be set, read once at start. A value that cannot be read is an error that names its variable.
package struct GatewayConfiguration: Sendable {
    /// The address to listen on.
    package var host: String
    /// The port to listen on; 0 takes a free one.
    package var port: Int
    /// How many clients may be connected, and how long each may take.
    package var connections: ConnectionLimits
    /// What HTTPS is served with; nil serves HTTP.
    package var tls: CertificateFiles?
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    package var trustedProxies: [Network]
    /// What the bodies of all requests may take of memory at the same time, in bytes.
    package var requestBodyMemory: Int
    /// The path of the SQLite file, whether or not it is used.
    package var databasePath: String
    /// What libpq connects to; nil uses the SQLite file.
    package var postgresURL: Secret<String>?
    /// What stands between this server and PostgreSQL.
    package var databasePooler: PostgresPooler
    /// Where everything is kept, in words without secrets.
    package var storeName: String { postgresURL == nil ? databasePath : "PostgreSQL" }
    /// The folder of this machine that fills; nil where PostgreSQL keeps everything.
    package var storageFolder: String? {
        postgresURL == nil ? URL(filePath: databasePath).deletingLastPathComponent().path : attachmentsFolder
    }
    /// Where received files are kept, a folder that all nodes share; nil keeps them in the database.
    package var attachmentsFolder: String?
    /// What URLs that we hand out begin with, without a slash at the end; nil takes the address we listen on.
    package var appURL: String?
    /// 32 bytes; nil reads or makes the key file beside the database.
    package var masterKey: Secret<[UInt8]>?
    /// The other master key while it is being rotated; nil at all other times.
    package var previousMasterKey: Secret<[UInt8]>?
    /// How long a node may be silent before others take over what it was delivering; by the clock of the database.
    package var nodeLease: Duration
    /// Networks that callback URLs may reach besides public addresses.
    package var allowedNetworks: [Network]
    /// Whose certificates are taken of receivers.
    package var trust: SystemTrust
    /// What webhooks leave through; nil for nothing.
    package var webhookProxy: EgressProxy?
    /// Where e-mail is handed in; nil sends none.
    package var mailServer: MailServer?
    /// When failed deliveries are tried again.
    package var retrySchedule: RetrySchedule
    /// How long a phone may be silent.
    package var heartbeatOfflineAfter: Duration
    /// The shortest expiration a phone may ask for.
    package var messageExpirationMinimum: Duration
    /// How long events, deliveries and heartbeats are kept.
    package var eventRetention: Duration
    /// How much invited accounts may have.
    package var quotas: Quotas
    /// What `/metrics` asks for; nil opens it to loopback only.
    package var metricsToken: Secret<String>?
    /// What a new password's hash costs; no variable lowers it.
    package var passwordCost = PasswordCost.standard
    /// How phones are told of what they have to send; nil when they are not.
    package var push: PushConfiguration?
    /// The lowest level that is logged.
    package var logLevel: Logger.Level
    /// How a log line looks.
    package var logFormat: LogFormat

    /// How a log line looks.
    package enum LogFormat: String, Sendable, CaseIterable {
        /// Time, level, message, metadata.
        case text
        /// One JSON object.
        case json
    }

    /// Reads the environment and what `flags`, by variable name, put in its place.
    ///
    /// - Throws: ``ConfigurationError``.
    package init(flags: [String: String?], environment: [String: String]) throws {
        let given = flags.compactMapValues(\.self)
        let values = Values(
            reader: ConfigReader(providers: [
                EnvironmentVariablesProvider(environmentVariables: given),
                EnvironmentVariablesProvider(environmentVariables: environment),
            ]))
        host = try values.value(.host) { $0 }
        port = try values.value(.port) { text in Int(text).flatMap { (0...65_535).contains($0) ? $0 : nil } }
        connections = ConnectionLimits(
            connections: try values.read(.connections) { text in
                Int(text).flatMap { (16...100_000).contains($0) ? $0 : nil }
            } ?? ConnectionLimits.connectionsForOpenFiles())
        tls = try CertificateFiles(
            certificate: values.read(.certificate) { $0 },
            key: values.read(.certificateKey) { $0 })
        trustedProxies =
            try values.read(.trustedProxies) {
                Self.list($0) { try? Network($0) }  // One entry that is not a network makes the whole value unreadable.
            } ?? []
        requestBodyMemory = try values.value(.requestBodyMemory) { text in
            Int(text).flatMap { (BodyMemory.minimum >> 20...1 << 20).contains($0) ? $0 << 20 : nil }
        }
        let database = try values.value(.database, Self.database)
        databasePath = database.path ?? "./data/httpsms"
        postgresURL = database.postgres.map(Secret.init)
        databasePooler = try values.value(.pooler, PostgresPooler.init(rawValue:))
        attachmentsFolder =
            try values.read(.attachmentsFolder) { $0 }
            ?? (postgresURL == nil ? databasePath + ".attachments" : nil)
        appURL = try values.read(.appURL, Self.appURL)
        masterKey = try values.read(.masterKey) {
            MasterKeyFile.decode($0).map(Secret.init)
        }
        previousMasterKey = try values.read(.previousMasterKey) {
            MasterKeyFile.decode($0).map(Secret.init)
        }
        if previousMasterKey != nil, masterKey == nil {
            throw ConfigurationError(
                variable: "MASTER_KEY_PREVIOUS",
                expected: "left out where MASTER_KEY is not set: the key file holds both")
        }
        if postgresURL != nil, masterKey == nil {
            throw ConfigurationError(
                variable: "MASTER_KEY",
                expected: "set with PostgreSQL: 32 bytes in base64, as `openssl rand -base64 32` prints")
        }
        nodeLease = try values.value(.nodeLease) { text in
            DurationText.parse(text).flatMap { $0 >= .seconds(10) ? $0 : nil }
        }
        allowedNetworks =
            try values.read(.allowedNetworks) {
                Self.list($0) { try? Network($0) }  // One entry that is not a network makes the whole value unreadable.
            } ?? []
        let authorities = try values.read(.webhookAuthorities, SystemTrust.authorities(inFile:))
        trust = SystemTrust(
            file: try values.read(.systemAuthorities) { SystemTrust.authorities(inFile: $0) == nil ? nil : $0 },
            more: authorities ?? [])
        let exceptions = try values.read(.noProxy) { $0 } ?? ""
        webhookProxy = try values.read(.webhookProxy) { EgressProxy($0, exceptions: exceptions) }
        let sender = try values.read(.mailSender) { MailServer.isAddress($0) ? $0 : nil }
        let trust = trust
        mailServer = try values.read(.mailServer) { text in
            sender.flatMap { MailServer(text, from: $0, trust: trust) }
        }
        retrySchedule = try values.value(.retryDelays) {
            Self.list($0, DurationText.parse).flatMap { RetrySchedule($0) }
        }
        heartbeatOfflineAfter = try values.duration(.offlineAfter)
        messageExpirationMinimum = try values.duration(.minimumExpiration)
        eventRetention = try values.duration(.eventRetention)
        quotas = try values.quotas()
        metricsToken = try values.read(.metricsToken) {
            $0.utf8.count >= 16 ? Secret($0) : nil
        }
        let credentials = try values.read(
            .firebaseCredentials,
            ServiceAccount.init(jsonOrPath:))
        let endpoint = try values.read(.firebaseEndpoint, Self.appURL)
        push = PushConfiguration(account: credentials, endpoint: endpoint)
        logLevel = try values.value(.logLevel) { Logger.Level(rawValue: $0.lowercased()) }
        logFormat = try values.value(.logFormat, LogFormat.init(rawValue:))
    }

    private static func database(_ text: String) -> (path: String?, postgres: String?)? {
        if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") { return (nil, text) }
        guard text.hasPrefix("sqlite:") else { return nil }
        let path = String(text.dropFirst("sqlite:".count))
        let file = path.hasPrefix("//") ? String(path.dropFirst(2)) : path
        return file.isEmpty ? nil : (file, nil)
    }

    private static func appURL(_ text: String) -> String? {
        var url = text
        while url.last == "/" { url.removeLast() }
        // A URL that cannot be parsed is one that cannot be read.
        return (try? CallbackURL(url)) == nil ? nil : url
    }

    private static func list<Element>(_ text: String, _ parse: (String) -> Element?) -> [Element]? {
        let parts = text.split(separator: ",").map(\.trimmed).filter { !$0.isEmpty }
        let values = parts.compactMap(parse)
        return values.count == parts.count ? values : nil
    }
}

/// Reads variables of the environment.
private struct Values {
    let reader: ConfigReader

    /// The value of `setting` as `parse` reads it; nil when it is not set or empty.
    ///
    /// - Throws: ``ConfigurationError`` when it is set and `parse` gives nil.
    func read<Value>(_ setting: Setting, _ parse: (String) -> Value?) throws -> Value? {
        let key = ConfigKey(setting.variable.lowercased().split(separator: "_").map(String.init))
        guard let text = reader.string(forKey: key, isSecret: true)?.trimmed, !text.isEmpty else { return nil }
        guard let value = parse(text) else { throw ConfigurationError(setting) }
        return value
    }

    /// The same of a setting whose default is a value.
    func value<Value>(_ setting: Setting, _ parse: (String) -> Value?) throws -> Value {
        if let value = try read(setting, parse) { return value }
        guard case .value(let text) = setting.standard, let value = parse(text) else {
            throw ConfigurationError(setting)
        }
        return value
    }

    func quotas() throws -> Quotas {
        var quotas = Quotas()
        quotas.phones = try quota(.phoneQuota)
        quotas.phoneKeys = try quota(.phoneKeyQuota)
        quotas.schedules = try quota(.scheduleQuota)
        quotas.webhooks = try quota(.webhookQuota)
        quotas.messagesPerDay = try quota(.messageQuota)
        quotas.attachmentBytesPerDay = try quota(.attachmentQuota)
        return quotas
    }

    private func quota(_ setting: Setting) throws -> Int? {
        let value = try value(setting) { text -> Int? in
            if text.lowercased() == "none" { return 0 }
            guard text.isDigits, let number = Int(text), number <= 1_000_000_000_000 else { return nil }
            return number
        }
        return value == 0 ? nil : value
    }

    func duration(_ setting: Setting) throws -> Duration {
        try value(setting) { text in DurationText.parse(text).flatMap { $0 >= .seconds(1) ? $0 : nil } }
    }
}

/// A variable that holds what it should not. Its value is not shown, as it may be a secret.
package struct ConfigurationError: Error, CustomStringConvertible {
    /// The variable.
    package let variable: String
    /// What it may hold.
    package let expected: String

    /// Says which variable, and what it may hold.
    package init(variable: String, expected: String) {
        self.variable = variable
        self.expected = expected
    }

    init(_ setting: Setting) {
        self.init(variable: setting.variable, expected: setting.expected ?? "a text")
    }

    package var description: String { "\(variable) cannot be read: it must be \(expected)" }
}

extension GatewayConfiguration {
    /// What features want to know of it.
    var features: Features.Settings {
        Features.Settings(
            offlineAfter: heartbeatOfflineAfter, minimumExpiration: messageExpirationMinimum, push: push,
            attachmentsFolder: attachmentsFolder, mailServer: mailServer)
    }

    /// What routes want to know of it.
    var routes: GatewayRoutes.Settings {
        GatewayRoutes.Settings(
            trustedProxies: trustedProxies, requestBodyMemory: requestBodyMemory, metricsToken: metricsToken)
    }

    /// Under which names this server is reached.
    var site: ServerSite {
        get throws { ServerSite(speaksTLS: tls != nil, appURL: try appURL.map { try CallbackURL($0) }) }
    }

    /// What the system page shows.
    func facts(startedAt: Timestamp) -> SystemFacts {
        SystemFacts(settings: shown, isPostgres: postgresURL != nil, pushes: push != nil, startedAt: startedAt)
    }

    /// What the system page shows, never a secret.
    private var shown: [(name: String, value: String)] {
        let pairs: [(Setting, String)] = [
            (.database, storeName),
            (.appURL, appURL ?? "not set: what this server listens on"),
            (.attachmentsFolder, attachmentsFolder ?? "not set: files are in the database"),
            (.eventRetention, Figure.shown(eventRetention)),
            (.retryDelays, retrySchedule.delays.map { Figure.shown($0) }.joined(separator: ", ")),
            (.offlineAfter, Figure.shown(heartbeatOfflineAfter)),
            (.nodeLease, Figure.shown(nodeLease)),
            (.firebaseCredentials, push == nil ? "not set" : "set"),
        ]
        return pairs.map { ($0.variable, $1) }
    }
}
