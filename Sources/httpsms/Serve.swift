import ArgumentParser
import Server

/// What every command that uses the store can be told; each flag stands in for its variable.
struct StoreOptions: ParsableArguments {
    @Option(help: "The store [DATABASE_URL] (default: sqlite:./data/httpsms.sqlite)")
    var databaseURL: String?

    @Option(
        help: "trace, debug, info, notice, warning, error or critical [LOG_LEVEL] (default: info, or warning with demo)"
    )
    var logLevel: String?

    @Option(help: "text or json [LOG_FORMAT] (default: text)")
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
              MASTER_KEY                 32 bytes in base64 that encrypt stored keys (default: <database>.key, made at first start)
              MASTER_KEY_PREVIOUS        the other key while the master key is rotated (default: none)
              DATABASE_POOLER            transaction behind pgbouncer in transaction mode (default: none)
              ATTACHMENTS_FOLDER         where received files are kept (default: <database>.attachments; with PostgreSQL in the database)
              MAX_CONNECTIONS            open connections of clients (default: from the limit of open files)
              TRUSTED_PROXIES            networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed (default: none)
              REQUEST_BODY_MEMORY        MiB that the bodies of all requests may take of memory at the same time (default: 64)
              WEBHOOK_ALLOWED_NETWORKS   networks that callback URLs may reach besides public addresses, such as 192.168.0.0/16
              WEBHOOK_RETRY_DELAYS       one to four waits before retries (default: 2s,10s,1m,10m)
              HEARTBEAT_OFFLINE_AFTER    how long a phone may be silent (default: 1h)
              MESSAGE_EXPIRATION_MIN     the shortest message_expiration_seconds of a phone (default: 60s)
              QUOTA_PHONES               phones of an invited account; 0 or none for no limit, as below (default: 10)
              QUOTA_PHONE_KEYS           its phone API keys (default: 20)
              QUOTA_SCHEDULES            its send schedules (default: 20)
              QUOTA_WEBHOOKS             its webhooks (default: 10)
              QUOTA_MESSAGES_PER_DAY     messages it may send in a day, UTC (default: 2000)
              QUOTA_ATTACHMENT_BYTES_PER_DAY  bytes of received files kept for it in a day, UTC (default: 100000000)
              FIREBASE_CREDENTIALS       the service account that pushes to phones, as JSON or a path (default: no pushes)
              FCM_ENDPOINT               what stands for Firebase, without OAuth
              EVENT_RETENTION            how long events, deliveries and heartbeats are kept (default: 720h)
              METRICS_TOKEN              what GET /metrics asks for as bearer token (default: none, and loopback only)

            Example:
              httpsms serve --port 9000
            """)

    @Option(help: "The address to listen on [HTTP_HOST] (default: 127.0.0.1)")
    var host: String?

    @Option(help: "The port to listen on, 0 for a free one [HTTP_PORT] (default: 8000)")
    var port: String?

    @Option(help: "What URLs in answers and events begin with [APP_URL] (default: the address it listens on)")
    var appURL: String?

    @Option(help: "Serve HTTPS with this certificate and its chain, a PEM file [TLS_CERTIFICATE] (default: HTTP)")
    var tlsCertificate: String?

    @Option(help: "The certificate's private key, a PEM file [TLS_KEY]")
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
