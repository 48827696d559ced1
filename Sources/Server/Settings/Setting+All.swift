/// Every setting, by what it is about.
extension Setting {
    /// `HTTP_HOST`.
    package static let host = Setting(
        "HTTP_HOST", flag: "host", .value("127.0.0.1"), "The address to listen on.")
    /// `HTTP_PORT`.
    package static let port = Setting(
        "HTTP_PORT", flag: "port", .value("8000"), expected: "a port from 0 to 65535",
        "The port to listen on; 0 takes a free one.")
    /// `APP_URL`.
    package static let appURL = Setting(
        "APP_URL", flag: "app-url", .words("the address it listens on"), expected: "an http:// or https:// URL",
        """
        The base URL of links to attachments and of invitations. Set it when others reach the server under another name: \
        the dashboard answers under this name, `localhost` and IP addresses only.
        """)
    /// `TLS_CERTIFICATE`.
    package static let certificate = Setting(
        "TLS_CERTIFICATE", flag: "tls-certificate", .words("none: HTTP"),
        "The certificate for [HTTPS](https.md) with its chain, a PEM file; read again when it changes.")
    /// `TLS_KEY`.
    package static let certificateKey = Setting(
        "TLS_KEY", flag: "tls-key", .words("none"), "Its private key, a PEM file.")
    static let trustedProxies = Setting(
        "TRUSTED_PROXIES", .words("none"), expected: "networks such as 127.0.0.1,10.0.0.0/8",
        """
        Networks of proxies whose [`X-Forwarded-For` and `X-Forwarded-Proto`](https.md#trusted-proxies) are trusted.
        """)
    static let connections = Setting(
        "MAX_CONNECTIONS", .words("from the limit of open files"), expected: "a number from 16 to 100000",
        "Open connections of clients; one address has a quarter of them at most.")
    static let requestBodyMemory = Setting(
        "REQUEST_BODY_MEMORY", .value("64"), expected: "a number of MiB from 32 to 1048576, such as 64",
        """
        MiB of memory that the bodies of all requests may take together, at least 32; beyond that, requests are answered \
        503.
        """)

    /// `DATABASE_URL`.
    package static let database = Setting(
        "DATABASE_URL", flag: "database-url", .value("sqlite:./data/httpsms.sqlite"),
        expected: "sqlite:<path of the file> or postgres://<user>@<host>/<database>",
        "The database, created at the first start; or `postgres://user@host/database`, any URL that libpq understands.")
    static let pooler = Setting(
        "DATABASE_POOLER", .value("none"), expected: "none or transaction",
        """
        `transaction` behind a pooler that gives each transaction another connection, such as pgbouncer in transaction mode.
        """)
    static let attachmentsFolder = Setting(
        "ATTACHMENTS_FOLDER",
        .words("the database's path with `.attachments`; with PostgreSQL none: files are kept in the database"),
        "Where received files are kept; all nodes share it.")
    static let masterKey = Setting(
        "MASTER_KEY", .words("the file `<database>.key`, created at the first start"),
        expected: "32 bytes in base64, as `openssl rand -base64 32` prints",
        "32 bytes in base64 that encrypt the stored keys. Required with PostgreSQL.")
    static let previousMasterKey = Setting(
        "MASTER_KEY_PREVIOUS", .words("none"), expected: "32 bytes in base64, with MASTER_KEY set, too",
        "The other key while the master key is [rotated](operations.md#rotating-the-master-key).")
    static let nodeLease = Setting(
        "NODE_LEASE", .value("20s"), expected: "a duration of at least 10s, such as 20s",
        """
        With PostgreSQL: how long a node may be silent before others send what it was delivering; at least `10s`.
        """)

    static let allowedNetworks = Setting(
        "WEBHOOK_ALLOWED_NETWORKS", .words("none"), expected: "networks such as 192.168.0.0/16,127.0.0.0/8",
        """
        Networks that webhooks may reach besides public addresses, such as `192.168.0.0/16,127.0.0.0/8`. For webhooks of \
        the account that owns the server only.
        """)
    static let webhookAuthorities = Setting(
        "WEBHOOK_CA_FILE", .words("none"), expected: "the path of a PEM file with certificates",
        "Authorities whose certificates are taken of receivers, beside the system's: the path of a PEM file.")
    static let systemAuthorities = Setting(
        "SSL_CERT_FILE", .words("the system's"), expected: "the path of a PEM file with certificates",
        """
        Authorities whose certificates are taken in place of the system's: of receivers and of Firebase. The path of a PEM file.
        """)
    static let webhookProxy = Setting(
        "WEBHOOK_PROXY", .words("none"), expected: "http://host:port, perhaps with user:password@ before the host",
        """
        The [proxy](webhooks.md#the-way-out) that webhooks leave through: `http://user:password@proxy.example.com:3128`.
        """)
    static let noProxy = Setting(
        "NO_PROXY", .words("none"),
        "What is reached without it: names with all below them, addresses and networks, separated by commas.")
    static let mailServer = Setting(
        "SMTP_URL", .words("none: no e-mail"),
        expected: "smtps://user:password@host or smtp://user:password@host:587, with SMTP_FROM set, too",
        """
        Where [alerts](alerts.md) are handed in as e-mail: `smtps://` speaks TLS at once, `smtp://` asks for it and sends nothing \
        without, unless the host is this machine.
        """)
    static let mailSender = Setting(
        "SMTP_FROM", .words("none"), expected: "an e-mail address", "The address that e-mail is from.")
    static let retryDelays = Setting(
        "WEBHOOK_RETRY_DELAYS", .value("2s,10s,1m,10m"),
        expected: "one to four delays of at least 1s, such as 2s,10s,1m,10m",
        "The waits before the retries: one to four, each at least `1s`.")
    static let eventRetention = Setting(
        "EVENT_RETENTION", .value("720h"), expected: duration, "How long events, deliveries and heartbeats are kept.")

    static let offlineAfter = Setting(
        "HEARTBEAT_OFFLINE_AFTER", .value("1h"), expected: duration,
        "How long a phone may be silent before it counts as offline.")
    static let minimumExpiration = Setting(
        "MESSAGE_EXPIRATION_MIN", .value("60s"), expected: duration,
        "The shortest `message_expiration_seconds` that a phone may be given.")
    static let firebaseCredentials = Setting(
        "FIREBASE_CREDENTIALS", .words("none"),
        expected: "a Firebase service account as JSON, or the path of the file that holds it",
        "The service account of your Firebase project, as JSON or as the path of its file; see [Sending](push.md#firebase)."
    )
    static let firebaseEndpoint = Setting(
        "FCM_ENDPOINT", .words("Firebase"), expected: "an http:// or https:// URL",
        """
        A stand-in for Firebase; no OAuth is used. Pushes go to `{FCM_ENDPOINT}/v1/projects/{project}/messages:send`.
        """)

    static let phoneQuota = Setting(
        "QUOTA_PHONES", .value("10"), expected: quota,
        """
        Phones of an invited account; the account that owns the server is exempt. `0` or `none` for no limit, as with the \
        other [quotas](operations.md#quotas).
        """)
    static let phoneKeyQuota = Setting("QUOTA_PHONE_KEYS", .value("20"), expected: quota, "Its phone API keys.")
    static let scheduleQuota = Setting("QUOTA_SCHEDULES", .value("20"), expected: quota, "Its send schedules.")
    static let webhookQuota = Setting(
        "QUOTA_WEBHOOKS", .value("10"), expected: quota, "Its webhooks; the owner has at most 10.")
    static let messageQuota = Setting(
        "QUOTA_MESSAGES_PER_DAY", .value("2000"), expected: quota, "Messages that it may send in a day (UTC).")
    static let attachmentQuota = Setting(
        "QUOTA_ATTACHMENT_BYTES_PER_DAY", .value("100000000"), expected: quota,
        "Bytes of received files that are kept for it in a day (UTC).")

    static let metricsToken = Setting(
        "METRICS_TOKEN", .words("none: only from this machine"), expected: "at least 16 characters",
        "The bearer token required to read `GET /metrics`, at least 16 characters.")
    /// `LOG_LEVEL`.
    package static let logLevel = Setting(
        "LOG_LEVEL", flag: "log-level", .value("info"),
        expected: "trace, debug, info, notice, warning, error, critical",
        "`trace`, `debug`, `info`, `notice`, `warning`, `error` or `critical`. The default of `httpsms demo` is `warning`."
    )
    /// `LOG_FORMAT`.
    package static let logFormat = Setting(
        "LOG_FORMAT", flag: "log-format", .value("text"), expected: "text or json",
        "`text` or `json`, on standard error.")

    /// Every setting, in the order of the documentation.
    package static let all: [Setting] = [
        host, port, appURL, certificate, certificateKey, trustedProxies, connections, requestBodyMemory,
        database, pooler, attachmentsFolder, masterKey, previousMasterKey, nodeLease,
        allowedNetworks, webhookAuthorities, systemAuthorities, webhookProxy, noProxy, mailServer, mailSender,
        retryDelays, eventRetention, offlineAfter, minimumExpiration, firebaseCredentials,
        firebaseEndpoint, phoneQuota, phoneKeyQuota, scheduleQuota, webhookQuota, messageQuota, attachmentQuota,
        metricsToken, logLevel, logFormat,
    ]

    private static let duration = "a duration of at least 1s, such as 90s, 10m or 1h"
    private static let quota = "a number up to 1000000000000, or none for no limit"
}
