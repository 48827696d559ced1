import Delivery
import Logging
import Secrets
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import Server

/// What the variables of the environment may hold, and what they stand for.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct GatewayConfigurationTests {
    private static func configuration(_ environment: [String: String]) throws -> GatewayConfiguration {
        try GatewayConfiguration(flags: [:], environment: environment)
    }

    @Test func nothingSetGivesTheDocumentedDefaults() throws {
        let configuration = try Self.configuration([:])

        #expect(configuration.host == "127.0.0.1")
        #expect(configuration.port == 8_000)
        #expect(configuration.databasePath == "./data/httpsms.sqlite")
        #expect(configuration.tls == nil)
        #expect(configuration.trustedProxies == [])
        #expect(configuration.appURL == nil)
        #expect(configuration.masterKey == nil)
        #expect(configuration.allowedNetworks == [])
        #expect(configuration.retryDelays.delays == [.seconds(2), .seconds(10), .seconds(60), .seconds(600)])
        #expect(configuration.offlineAfter == .seconds(3_600))
        #expect(configuration.minimumExpiration == .seconds(60))
        #expect(configuration.logLevel == .info)
        #expect(configuration.logFormat == .text)
    }

    /// A stand-in for Firebase is no credentials.
    @Test func theSystemPageSaysWhoTakesPushes() throws {
        func state(_ environment: [String: String]) throws -> String {
            PushKind.firebase.state(in: try Self.configuration(environment).settings)
        }
        #expect(try state([:]) == "not set")
        #expect(
            try state(["FCM_ENDPOINT": "http://127.0.0.1:9191"]) == "not set: FCM_ENDPOINT stands in for Firebase")
    }

    @Test func everyVariableIsRead() throws {
        let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
        let configuration = try Self.configuration([
            "HTTP_HOST": "0.0.0.0", "HTTP_PORT": "65535", "DATABASE_URL": "sqlite:/var/lib/a.db",
            "APP_URL": "https://sms.example.com/base//", "MASTER_KEY": " \(key)\n",
            "WEBHOOK_ALLOWED_NETWORKS": "192.168.0.0/16, 127.0.0.0/8,", "WEBHOOK_RETRY_DELAYS": "1s, 2m",
            "HEARTBEAT_OFFLINE_AFTER": "90s", "MESSAGE_EXPIRATION_MIN": "1s", "LOG_LEVEL": "DEBUG",
            "LOG_FORMAT": "json", "TLS_CERTIFICATE": "/etc/a.pem", "TLS_KEY": "/etc/a.key",
            "TRUSTED_PROXIES": "127.0.0.1,fd00::/8",
        ])

        #expect(configuration.host == "0.0.0.0")
        #expect(configuration.port == 65_535)
        #expect(configuration.databasePath == "/var/lib/a.db")
        #expect(configuration.appURL == "https://sms.example.com/base")
        #expect(configuration.masterKey?.exposed == Array(0..<32))
        #expect(configuration.allowedNetworks == [try Network("192.168.0.0/16"), try Network("127.0.0.0/8")])
        #expect(configuration.retryDelays.delays == [.seconds(1), .seconds(120)])
        #expect(configuration.offlineAfter == .seconds(90))
        #expect(configuration.minimumExpiration == .seconds(1))
        #expect(configuration.logLevel == .debug)
        #expect(configuration.logFormat == .json)
        #expect(try configuration.tls == CertificateFiles(certificate: "/etc/a.pem", key: "/etc/a.key"))
        #expect(configuration.trustedProxies == [try Network("127.0.0.1/32"), try Network("fd00::/8")])
    }

    @Test(arguments: [
        ("HTTP_PORT", "-1"), ("HTTP_PORT", "65536"), ("HTTP_PORT", "http"), ("HTTP_PORT", "80.5"),
        ("DATABASE_URL", "mysql://localhost/httpsms"), ("DATABASE_URL", "./data"), ("DATABASE_URL", "sqlite:"),
        ("APP_URL", "sms.example.com"), ("APP_URL", "ftp://sms.example.com"), ("APP_URL", "https://"),
        ("MASTER_KEY", "secret"), ("MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg=="),
        ("WEBHOOK_ALLOWED_NETWORKS", "192.168.0.0/33"), ("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8,localhost"),
        ("WEBHOOK_RETRY_DELAYS", "0s"), ("WEBHOOK_RETRY_DELAYS", "500ms"), ("WEBHOOK_RETRY_DELAYS", ","),
        ("WEBHOOK_RETRY_DELAYS", "1s,1s,1s,1s,1s"), ("WEBHOOK_RETRY_DELAYS", "1s,x"),
        ("HEARTBEAT_OFFLINE_AFTER", "0s"), ("HEARTBEAT_OFFLINE_AFTER", "1"), ("HEARTBEAT_OFFLINE_AFTER", "1d"),
        ("HEARTBEAT_OFFLINE_AFTER", "1.5h"), ("MESSAGE_EXPIRATION_MIN", "-60s"), ("MESSAGE_EXPIRATION_MIN", "60"),
        ("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml"),
        ("MAX_CONNECTIONS", "0"), ("MAX_CONNECTIONS", "many"), ("MAX_CONNECTIONS", "99999999999999999999"),
        ("TRUSTED_PROXIES", "localhost"), ("TRUSTED_PROXIES", "10.0.0.1/8"),
    ])
    func aValueThatCannotBeReadNamesItsVariableAndHidesTheValue(variable: String, value: String) {
        let error = #expect(throws: ConfigurationError.self) { try Self.configuration([variable: value]) }

        #expect(error?.variable == variable)
        #expect(error.map { "\($0)" }?.hasPrefix("\(variable) cannot be read: it must be ") == true)
        #expect(error.map { "\($0)" }?.contains("secret") != true)
    }

    @Test(arguments: ["WEBHOOK_CA_FILE", "SSL_CERT_FILE", "FIREBASE_CREDENTIALS"])
    func aFileIsNamedThatCannotBeRead(variable: String) async throws {
        try await withTemporaryDirectory { folder in
            let (pipe, large) = (try OddFiles.pipe(in: folder), try OddFiles.large(in: folder))
            for (path, words) in [
                (pipe, "is a folder, a pipe or a device"), (large, "has more than "),
                (folder + "/none", "is not there"),
            ] {
                let error = #expect(throws: ConfigurationError.self) { try Self.configuration([variable: path]) }
                let text = error.map { "\($0)" } ?? ""
                #expect(text.hasPrefix("\(variable) names \(path), which \(words)"), "\(text)")
            }
        }
    }

    @Test(arguments: ["postgres://me@localhost/httpsms", "postgresql://me:secret@a,b/httpsms?sslmode=require"])
    func postgresNeedsAMasterKey(url: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try Self.configuration(["DATABASE_URL": url]) }
        #expect(error?.variable == "MASTER_KEY")
        let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
        let configuration = try Self.configuration(["DATABASE_URL": url, "MASTER_KEY": key])
        #expect(configuration.postgresURL?.exposed == url)
        #expect(configuration.filesFolder == nil)
        #expect(configuration.pooler == .none)
    }

    @Test(arguments: ["", "  "]) func anEmptyValueIsOneThatIsNotSet(value: String) throws {
        let names = [
            "HTTP_HOST", "HTTP_PORT", "DATABASE_URL", "APP_URL", "MASTER_KEY", "WEBHOOK_ALLOWED_NETWORKS",
            "WEBHOOK_RETRY_DELAYS", "HEARTBEAT_OFFLINE_AFTER", "MESSAGE_EXPIRATION_MIN", "LOG_LEVEL", "LOG_FORMAT",
        ]
        let configuration = try Self.configuration(Dictionary(uniqueKeysWithValues: names.map { ($0, value) }))

        #expect(configuration.host == "127.0.0.1")
        #expect(configuration.port == 8_000)
    }

    @Test(arguments: [("TLS_CERTIFICATE", "TLS_KEY"), ("TLS_KEY", "TLS_CERTIFICATE")])
    func aCertificateAndItsKeyGoTogether(given: String, missing: String) {
        let error = #expect(throws: ConfigurationError.self) { try Self.configuration([given: "/etc/a.pem"]) }

        #expect(error?.variable == missing)
    }

    @Test func aFlagStandsInForItsVariable() throws {
        let configuration = try GatewayConfiguration(
            flags: ["HTTP_PORT": "1234", "HTTP_HOST": nil], environment: ["HTTP_PORT": "5678", "HTTP_HOST": "::1"])

        #expect(configuration.port == 1_234)
        #expect(configuration.host == "::1")
    }

    @Test(arguments: [
        ("1s", Duration.seconds(1)), ("90s", .seconds(90)), ("10m", .seconds(600)), ("1h", .seconds(3_600)),
        ("8784h", .seconds(8_784 * 3_600)), ("0s", .zero), ("007s", .seconds(7)), ("8785h", nil), ("s", nil), ("", nil),
        ("10", nil), ("-1s", nil), ("+1s", nil), ("1 s", nil), ("1S", nil), ("1ms", nil), ("1h30m", nil), ("٣s", nil),
        ("99999999999999999999s", nil),
    ])
    func durationsAreAWholeNumberWithAUnit(text: String, duration: Duration?) {
        #expect(DurationText.parse(text) == duration)
    }
}
