import Delivery
import Logging
import Secrets
import Storage
import Timestamps
import Wire

/// Every setting, in the order of the documentation, by what it is about. What is declared here can be set, is documented and is
/// shown by `serve --help`; ``SettingValues`` has its value under the same name.
package struct SettingTable: Sendable {
    /// `HTTP_HOST`.
    package let host = Setting(
        "HTTP_HOST", flag: "host", standard: "127.0.0.1", "The address to listen on.", Self.text)
    /// `HTTP_PORT`.
    package let port = Setting(
        "HTTP_PORT", flag: "port", standard: "8000", expected: "a port from 0 to 65535",
        "The port to listen on; 0 takes a free one."
    ) { Self.number($0, in: 0...65_535) }
    /// `APP_URL`.
    package let appURL = Setting(
        "APP_URL", flag: "app-url", without: "the address it listens on", expected: "an http:// or https:// URL",
        """
        The base URL of links to attachments and of invitations. Set it when others reach the server under another name: \
        the dashboard answers under this name, `localhost` and IP addresses only.
        """, Self.url)
    /// `TLS_CERTIFICATE`.
    package let certificate = Setting(
        "TLS_CERTIFICATE", flag: "tls-certificate", without: "none: HTTP",
        "The certificate for [HTTPS](https.md) with its chain, a PEM file; read again when it changes.", Self.text)
    /// `TLS_KEY`.
    package let certificateKey = Setting(
        "TLS_KEY", flag: "tls-key", without: "none", "Its private key, a PEM file.", Self.text)
    /// `TRUSTED_PROXIES`.
    package let trustedProxies = Setting(
        "TRUSTED_PROXIES", list: "none", expected: "networks such as 127.0.0.1,10.0.0.0/8",
        """
        Networks of proxies whose [`X-Forwarded-For` and `X-Forwarded-Proto`](https.md#trusted-proxies) are trusted.
        """, Self.network)
    /// `MAX_CONNECTIONS`.
    package let maximumConnections = Setting(
        "MAX_CONNECTIONS", without: "from the limit of open files", expected: "a number from 16 to 100000",
        "Open connections of clients; one address has a quarter of them at most."
    ) { Self.number($0, in: 16...100_000) }
    /// `REQUEST_BODY_MEMORY`.
    package let requestBodyMemory = Setting(
        "REQUEST_BODY_MEMORY", standard: "64", expected: "a number of MiB from 32 to 1048576, such as 64",
        """
        MiB of memory that the bodies of all requests may take together, at least 32; beyond that, requests are answered \
        503. Answers over 64 KiB that clients have not read yet may take as much again.
        """
    ) { Self.number($0, in: BodyMemory.minimum >> 20...1 << 20).map { $0 << 20 } }

    /// `DATABASE_URL`.
    package let database = Setting(
        "DATABASE_URL", flag: "database-url", standard: "sqlite:./data/httpsms.sqlite",
        expected: "sqlite:<path of the file> or postgres://<user>@<host>/<database>",
        "The database, created at the first start; or `postgres://user@host/database`, any URL that libpq understands.",
        DatabaseLocation.init)
    /// `DATABASE_POOLER`.
    package let pooler = Setting(
        "DATABASE_POOLER", standard: "none", expected: "none or transaction",
        """
        `transaction` behind a pooler that gives each transaction another connection, such as pgbouncer in transaction mode.
        """, PostgresPooler.init(rawValue:))
    /// `ATTACHMENTS_FOLDER`.
    package let attachmentsFolder = Setting(
        "ATTACHMENTS_FOLDER",
        without: "the database's path with `.attachments`; with PostgreSQL none: files are kept in the database",
        "Where received files are kept; all nodes share it.", Self.text)
    /// `MASTER_KEY`.
    package let masterKey = Setting(
        "MASTER_KEY", without: "the file `<database>.key`, created at the first start",
        expected: "32 bytes in base64, as `openssl rand -base64 32` prints",
        "32 bytes in base64 that encrypt the stored keys. Required with PostgreSQL.", Self.masterKey)
    /// `MASTER_KEY_PREVIOUS`.
    package let previousMasterKey = Setting(
        "MASTER_KEY_PREVIOUS", without: "none", expected: "32 bytes in base64, with MASTER_KEY set, too",
        "The other key while the master key is [rotated](operations.md#rotating-the-master-key).", Self.masterKey)
    /// `NODE_LEASE`.
    package let nodeLease = Setting(
        "NODE_LEASE", standard: "20s", expected: "a duration of at least 10s, such as 20s",
        """
        With PostgreSQL: how long a node may be silent before others send what it was delivering; at least `10s`.
        """
    ) { Self.duration($0, atLeast: .seconds(10)) }

    /// `WEBHOOK_ALLOWED_NETWORKS`.
    package let allowedNetworks = Setting(
        "WEBHOOK_ALLOWED_NETWORKS", list: "none", expected: "networks such as 192.168.0.0/16,127.0.0.0/8",
        """
        Networks that webhooks may reach besides public addresses, such as `192.168.0.0/16,127.0.0.0/8`. For webhooks of \
        the account that owns the server only.
        """, Self.network)
    /// `WEBHOOK_CA_FILE`.
    package let webhookAuthorities = Setting(
        "WEBHOOK_CA_FILE", without: "none", expected: "the path of a PEM file with certificates",
        "Authorities whose certificates are taken of receivers, beside the system's: the path of a PEM file.",
        SystemTrust.authorities(inFile:))
    /// `SSL_CERT_FILE`.
    package let systemAuthorities = Setting(
        "SSL_CERT_FILE", without: "the system's", expected: "the path of a PEM file with certificates",
        """
        Authorities whose certificates are taken in place of the system's: of receivers and of Firebase. The path of a PEM file.
        """, SystemTrust.authorities(inFile:))
    /// `WEBHOOK_PROXY`.
    package let webhookProxyURL = Setting(
        "WEBHOOK_PROXY", without: "none", expected: "http://host:port, perhaps with user:password@ before the host",
        """
        The [proxy](webhooks.md#the-way-out) that webhooks leave through: `http://user:password@proxy.example.com:3128`.
        """
    ) { EgressProxy($0, exceptions: "") == nil ? nil : Secret($0) }
    /// `NO_PROXY`.
    package let noProxy = Setting(
        "NO_PROXY", without: "none",
        "What is reached without it: names with all below them, addresses and networks, separated by commas.", Self.text
    )
    /// `SMTP_URL`.
    package let mailServerURL = Setting(
        "SMTP_URL", without: "none: no e-mail",
        expected: "smtps://user:password@host or smtp://user:password@host:587, with SMTP_FROM set, too",
        """
        Where e-mail is handed in: [alerts](alerts.md), [forgotten passwords](dashboard.md#a-forgotten-password) and invitations. \
        `smtps://` speaks TLS at once, `smtp://` asks for it and sends nothing without, unless the host is this machine.
        """, Self.secret)
    /// `SMTP_FROM`.
    package let mailSender = Setting(
        "SMTP_FROM", without: "none", expected: "an e-mail address", "The address that e-mail is from."
    ) { MailServer.isAddress($0) ? $0 : nil }
    /// `WEBHOOK_RETRY_DELAYS`.
    package let retryDelays = Setting(
        "WEBHOOK_RETRY_DELAYS", standard: "2s,10s,1m,10m",
        expected: "one to four delays of at least 1s, such as 2s,10s,1m,10m",
        "The waits before the retries: one to four, each at least `1s`."
    ) { Self.list($0, DurationText.parse).flatMap { RetrySchedule($0) } }
    /// `EVENT_RETENTION`.
    package let eventRetention = Setting(
        "EVENT_RETENTION", standard: "720h", expected: Self.aDuration,
        "How long events, deliveries and heartbeats are kept."
    ) { Self.duration($0) }

    /// `HEARTBEAT_OFFLINE_AFTER`.
    package let offlineAfter = Setting(
        "HEARTBEAT_OFFLINE_AFTER", standard: "1h", expected: Self.aDuration,
        "How long a phone may be silent before it counts as offline."
    ) { Self.duration($0) }
    /// `MESSAGE_EXPIRATION_MIN`.
    package let minimumExpiration = Setting(
        "MESSAGE_EXPIRATION_MIN", standard: "60s", expected: Self.aDuration,
        "The shortest `message_expiration_seconds` that a phone may be given."
    ) { Self.duration($0) }
    /// `FIREBASE_CREDENTIALS`.
    package let firebaseCredentials = Setting(
        "FIREBASE_CREDENTIALS", without: "none",
        expected: "a Firebase service account as JSON, or the path of the file that holds it",
        "The service account of your Firebase project, as JSON or as the path of its file; see [Sending](push.md#firebase).",
        ServiceAccount.init(jsonOrPath:))
    /// `FCM_ENDPOINT`.
    package let firebaseEndpoint = Setting(
        "FCM_ENDPOINT", without: "Firebase", expected: "an http:// or https:// URL",
        """
        A stand-in for Firebase; no OAuth is used. Pushes go to `{FCM_ENDPOINT}/v1/projects/{project}/messages:send`.
        """, Self.url)

    /// `QUOTA_PHONES`.
    package let phoneQuota = Setting(
        "QUOTA_PHONES", standard: "10", expected: Self.aQuota,
        """
        Phones of an invited account; the account that owns the server is exempt. `0` or `none` for no limit, as with the \
        other [quotas](operations.md#quotas).
        """, Self.quota)
    /// `QUOTA_PHONE_KEYS`.
    package let phoneKeyQuota = Setting(
        "QUOTA_PHONE_KEYS", standard: "20", expected: Self.aQuota, "Its phone API keys.", Self.quota)
    /// `QUOTA_SCHEDULES`.
    package let scheduleQuota = Setting(
        "QUOTA_SCHEDULES", standard: "20", expected: Self.aQuota, "Its send schedules.", Self.quota)
    /// `QUOTA_WEBHOOKS`.
    package let webhookQuota = Setting(
        "QUOTA_WEBHOOKS", standard: "10", expected: Self.aQuota, "Its webhooks; the owner has at most 10.", Self.quota)
    /// `QUOTA_MESSAGES_PER_DAY`.
    package let messageQuota = Setting(
        "QUOTA_MESSAGES_PER_DAY", standard: "2000", expected: Self.aQuota, "Messages that it may send in a day (UTC).",
        Self.quota)
    /// `QUOTA_ATTACHMENT_BYTES_PER_DAY`.
    package let attachmentQuota = Setting(
        "QUOTA_ATTACHMENT_BYTES_PER_DAY", standard: "100000000", expected: Self.aQuota,
        "Bytes of received files that are kept for it in a day (UTC).", Self.quota)

    /// `METRICS_TOKEN`.
    package let metricsToken = Setting(
        "METRICS_TOKEN", without: "none: only from this machine", expected: "at least 16 characters",
        "The bearer token required to read `GET /metrics`, at least 16 characters."
    ) { $0.utf8.count >= 16 ? Secret($0) : nil }
    /// `LOG_LEVEL`.
    package let logLevel = Setting(
        "LOG_LEVEL", flag: "log-level", standard: "info",
        expected: "trace, debug, info, notice, warning, error, critical",
        "`trace`, `debug`, `info`, `notice`, `warning`, `error` or `critical`. The default of `httpsms demo` is `warning`."
    ) { Logger.Level(rawValue: $0.lowercased()) }
    /// `LOG_FORMAT`.
    package let logFormat = Setting(
        "LOG_FORMAT", flag: "log-format", standard: "text", expected: "text or json",
        "`text` or `json`, on standard error.", LogFormat.init(rawValue:))

    private static let aDuration = "a duration of at least 1s, such as 90s, 10m or 1h"
    private static let aQuota = "a number up to 1000000000000, or none for no limit"
}

extension SettingTable {
    /// What is declared above.
    package static let table = SettingTable()

    /// The same as a list.
    package static let all = Mirror(reflecting: table).children.compactMap { $0.value as? any AnySetting }

    /// Reads elements that are separated by commas; nil when one of them is none.
    static func list<Element>(_ text: String, _ parse: (String) -> Element?) -> [Element]? {
        let parts = text.split(separator: ",").map(\.trimmed).filter { !$0.isEmpty }
        let values = parts.compactMap(parse)
        return values.count == parts.count ? values : nil
    }

    private static func text(_ text: String) -> String? { text }

    private static func secret(_ text: String) -> Secret<String>? { Secret(text) }

    private static func number(_ text: String, in range: ClosedRange<Int>) -> Int? {
        Int(text).flatMap { range.contains($0) ? $0 : nil }
    }

    private static func duration(_ text: String, atLeast minimum: Duration = .seconds(1)) -> Duration? {
        DurationText.parse(text).flatMap { $0 >= minimum ? $0 : nil }
    }

    /// A limit; the value is nil for none.
    private static func quota(_ text: String) -> Int?? {
        if text.lowercased() == "none" { return .some(nil) }
        guard text.isDigits, let number = Int(text), number <= 1_000_000_000_000 else { return nil }
        return .some(number == 0 ? nil : number)
    }

    private static func network(_ text: String) -> Network? { try? Network(text) }

    private static func masterKey(_ text: String) -> Secret<[UInt8]>? { Keyring.masterKey(text).map(Secret.init) }

    /// A base URL, without a slash at the end.
    private static func url(_ text: String) -> String? {
        var url = text
        while url.last == "/" { url.removeLast() }
        // A URL that cannot be parsed is one that cannot be read.
        return (try? CallbackURL(url)) == nil ? nil : url
    }
}

/// How a log line looks.
package enum LogFormat: String, Sendable, CaseIterable {
    /// Time, level, message, metadata.
    case text
    /// One JSON object.
    case json
}

/// Where everything is kept.
package enum DatabaseLocation: Sendable {
    /// A SQLite file, by its path.
    case file(String)
    /// What libpq connects to.
    case postgres(Secret<String>)

    /// Reads `DATABASE_URL`.
    init?(_ text: String) {
        if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") {
            self = .postgres(Secret(text))
            return
        }
        guard text.hasPrefix("sqlite:") else { return nil }
        let path = String(text.dropFirst("sqlite:".count))
        let file = path.hasPrefix("//") ? String(path.dropFirst(2)) : path
        if file.isEmpty { return nil }
        self = .file(file)
    }
}
