import Configuration
import Delivery
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
        host = try values.read("HTTP_HOST", "a host name or an address") { $0.isEmpty ? nil : $0 } ?? "127.0.0.1"
        port =
            try values.read("HTTP_PORT", "a port from 0 to 65535") { text in
                Int(text).flatMap { (0...65_535).contains($0) ? $0 : nil }
            } ?? 8_000
        connections = ConnectionLimits(
            connections: try values.read("MAX_CONNECTIONS", "a number from 16 to 100000") { text in
                Int(text).flatMap { (16...100_000).contains($0) ? $0 : nil }
            } ?? ConnectionLimits.connectionsForOpenFiles())
        tls = try CertificateFiles(
            certificate: values.read("TLS_CERTIFICATE", "the path of a PEM file") { $0 },
            key: values.read("TLS_KEY", "the path of a PEM file") { $0 })
        trustedProxies =
            try values.read("TRUSTED_PROXIES", "networks such as 127.0.0.1,10.0.0.0/8") {
                Self.list($0) { try? Network($0) }  // What is no network makes the whole value unreadable.
            } ?? []
        requestBodyMemory =
            try values.read("REQUEST_BODY_MEMORY", "a number of MiB from 32 to 1048576, such as 64") { text in
                Int(text).flatMap { (BodyMemory.minimum >> 20...1 << 20).contains($0) ? $0 << 20 : nil }
            } ?? BodyMemory.standard
        let database =
            try values.read(
                "DATABASE_URL", "sqlite:<path of the file> or postgres://<user>@<host>/<database>", Self.database)
            ?? (path: "./data/httpsms.sqlite", postgres: nil)
        databasePath = database.path ?? "./data/httpsms"
        postgresURL = database.postgres.map(Secret.init)
        databasePooler =
            try values.read("DATABASE_POOLER", "none or transaction", PostgresPooler.init(rawValue:)) ?? .none
        attachmentsFolder =
            try values.read("ATTACHMENTS_FOLDER", "the path of a folder") { $0 }
            ?? (postgresURL == nil ? databasePath + ".attachments" : nil)
        appURL = try values.read("APP_URL", "an http:// or https:// URL", Self.appURL)
        masterKey = try values.read("MASTER_KEY", "32 bytes in base64, as `openssl rand -base64 32` prints") {
            MasterKeyFile.decode($0).map(Secret.init)
        }
        previousMasterKey = try values.read("MASTER_KEY_PREVIOUS", "32 bytes in base64, with MASTER_KEY set, too") {
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
        nodeLease =
            try values.read("NODE_LEASE", "a duration of at least 10s, such as 20s") { text in
                DurationText.parse(text).flatMap { $0 >= .seconds(10) ? $0 : nil }
            } ?? .seconds(20)
        allowedNetworks =
            try values.read("WEBHOOK_ALLOWED_NETWORKS", "networks such as 192.168.0.0/16,127.0.0.0/8") {
                Self.list($0) { try? Network($0) }  // What is no network makes the whole value unreadable.
            } ?? []
        retrySchedule =
            try values.read("WEBHOOK_RETRY_DELAYS", "one to four delays of at least 1s, such as 2s,10s,1m,10m") {
                Self.list($0, DurationText.parse).flatMap(RetrySchedule.init)
            } ?? .standard
        heartbeatOfflineAfter = try values.duration("HEARTBEAT_OFFLINE_AFTER") ?? .seconds(3_600)
        messageExpirationMinimum = try values.duration("MESSAGE_EXPIRATION_MIN") ?? .seconds(60)
        eventRetention = try values.duration("EVENT_RETENTION") ?? .seconds(30 * 86_400)
        quotas = try values.quotas()
        metricsToken = try values.read("METRICS_TOKEN", "at least 16 characters") {
            $0.utf8.count >= 16 ? Secret($0) : nil
        }
        let credentials = try values.read(
            "FIREBASE_CREDENTIALS", "a Firebase service account as JSON, or the path of the file that holds it",
            ServiceAccount.init(jsonOrPath:))
        let endpoint = try values.read("FCM_ENDPOINT", "an http:// or https:// URL", Self.appURL)
        push = PushConfiguration(account: credentials, endpoint: endpoint)
        logLevel =
            try values.read("LOG_LEVEL", Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")) {
                Logger.Level(rawValue: $0.lowercased())
            } ?? .info
        logFormat = try values.read("LOG_FORMAT", "text or json", LogFormat.init(rawValue:)) ?? .text
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

    /// The value of `variable` as `parse` reads it; nil when it is not set or empty.
    ///
    /// - Throws: ``ConfigurationError`` when it is set and `parse` gives nil.
    func read<Value>(_ variable: String, _ expected: String, _ parse: (String) -> Value?) throws -> Value? {
        let key = ConfigKey(variable.lowercased().split(separator: "_").map(String.init))
        guard let text = reader.string(forKey: key, isSecret: true)?.trimmed, !text.isEmpty else { return nil }
        guard let value = parse(text) else { throw ConfigurationError(variable: variable, expected: expected) }
        return value
    }

    func quotas() throws -> Quotas {
        var quotas = Quotas()
        quotas.phones = try quota("QUOTA_PHONES", quotas.phones)
        quotas.phoneKeys = try quota("QUOTA_PHONE_KEYS", quotas.phoneKeys)
        quotas.schedules = try quota("QUOTA_SCHEDULES", quotas.schedules)
        quotas.webhooks = try quota("QUOTA_WEBHOOKS", quotas.webhooks)
        quotas.messagesPerDay = try quota("QUOTA_MESSAGES_PER_DAY", quotas.messagesPerDay)
        quotas.attachmentBytesPerDay = try quota("QUOTA_ATTACHMENT_BYTES_PER_DAY", quotas.attachmentBytesPerDay)
        return quotas
    }

    private func quota(_ variable: String, _ usual: Int?) throws -> Int? {
        let value = try read(variable, "a number up to 1000000000000, or none for no limit") { text -> Int? in
            if text.lowercased() == "none" { return 0 }
            guard text.isDigits, let number = Int(text), number <= 1_000_000_000_000 else { return nil }
            return number
        }
        guard let value else { return usual }
        return value == 0 ? nil : value
    }

    func duration(_ variable: String) throws -> Duration? {
        try read(variable, "a duration of at least 1s, such as 90s, 10m or 1h") { text in
            DurationText.parse(text).flatMap { $0 >= .seconds(1) ? $0 : nil }
        }
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

    package var description: String { "\(variable) cannot be read: it must be \(expected)" }
}

extension GatewayConfiguration {
    /// What features want to know of it.
    var features: Features.Settings {
        Features.Settings(
            offlineAfter: heartbeatOfflineAfter, minimumExpiration: messageExpirationMinimum, push: push,
            attachmentsFolder: attachmentsFolder)
    }

    /// What routes want to know of it.
    func routes(startedAt: Timestamp) -> GatewayRoutes.Settings {
        GatewayRoutes.Settings(
            speaksTLS: tls != nil, appURL: appURL, trustedProxies: trustedProxies, requestBodyMemory: requestBodyMemory,
            metricsToken: metricsToken,
            facts: SystemFacts(
                settings: shown, isPostgres: postgresURL != nil, pushes: push != nil, startedAt: startedAt))
    }

    /// What the system page shows, never a secret.
    private var shown: [(name: String, value: String)] {
        [
            ("DATABASE_URL", storeName),
            ("APP_URL", appURL ?? "not set: what this server listens on"),
            ("ATTACHMENTS_FOLDER", attachmentsFolder ?? "not set: files are in the database"),
            ("EVENT_RETENTION", Figure.shown(eventRetention)),
            ("WEBHOOK_RETRY_DELAYS", retrySchedule.delays.map { Figure.shown($0) }.joined(separator: ", ")),
            ("HEARTBEAT_OFFLINE_AFTER", Figure.shown(heartbeatOfflineAfter)),
            ("NODE_LEASE", Figure.shown(nodeLease)),
            ("FIREBASE_CREDENTIALS", push == nil ? "not set" : "set"),
        ]
    }
}
