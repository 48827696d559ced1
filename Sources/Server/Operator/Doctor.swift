import Delivery
import Foundation
import Gateway
import JSON
import Logging
import Secrets
import Storage
import Timestamps
import Wire

/// One line of `httpsms doctor`.
package struct Finding: Sendable, CustomStringConvertible, JSONWritable {
    private enum Level: String {
        case fine = "ok     "
        case warning = "WARNING"
        case problem = "PROBLEM"
    }

    private let level: Level
    /// What was looked at.
    package let subject: String
    /// What was found, and what to do.
    package let text: String

    /// Whether something does not work; a warning is about what will not work one day.
    package var isProblem: Bool { level == .problem }

    package var description: String { "\(level.rawValue)  \(subject): \(text)" }

    /// The same for a machine; `level` is `ok`, `warning` or `problem`.
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("level", level.rawValue.trimmed.lowercased())
            o.field("subject", subject)
            o.field("text", text)
        }
    }

    static func fine(_ subject: String, _ text: String) -> Finding {
        Finding(level: .fine, subject: subject, text: text)
    }

    static func warning(_ subject: String, _ text: String) -> Finding {
        Finding(level: .warning, subject: subject, text: text)
    }

    static func problem(_ subject: String, _ text: String) -> Finding {
        Finding(level: .problem, subject: subject, text: text)
    }
}

extension Commands {
    /// Checks what the server needs, changes nothing unless it is told to repair, and goes on after a problem as far as it can.
    ///
    /// - Parameters:
    ///   - flags: Flags by the variable they stand for.
    ///   - audit: Whether to compare every delivery with the counters as well.
    ///   - repair: Whether to set right counters that differ from the rows; implies `audit`.
    ///   - progress: Told how far the audit is, in words.
    /// - Returns: What was found, in the order it was looked at.
    package static func doctor(
        flags: [String: String?], audit: Bool = false, repair: Bool = false,
        progress: @escaping @Sendable (String) -> Void = { _ in }
    ) async -> [Finding] {
        let environment = ProcessInfo.processInfo.environment
        guard let configuration = try? GatewayConfiguration(flags: flags, environment: environment) else {
            return configurationProblems(flags: flags, environment: environment)
        }
        LogLine.bootstrap(configuration)
        var findings: [Finding] = [.fine("configuration", "every variable can be read")]
        findings.append(clock())
        findings.append(keyFile(configuration))
        findings += certificate(configuration)
        findings += await firebase(configuration)
        let deliveries = audit || repair ? DeliveryAudit(repairs: repair, progress: progress) : nil
        findings += await store(configuration, audit: deliveries)
        findings += disk(configuration)
        findings += await server(configuration)
        return findings
    }

    /// Findings as one JSON array.
    package static func json(_ findings: [Finding]) -> String {
        String(decoding: findings.encodedJSON(), as: UTF8.self)
    }

    /// Every fault of the configuration: what has one is left out, and the rest is read again. One that stays although it was
    /// ends this.
    static func configurationProblems(flags: [String: String?], environment: [String: String]) -> [Finding] {
        var (flags, environment) = (flags, environment)
        var problems: [Finding] = []
        while true {
            do {
                _ = try GatewayConfiguration(flags: flags, environment: environment)
                return problems
            } catch {
                problems.append(.problem("configuration", "\(error)"))
                let isLeftOut = (flags.removeValue(forKey: error.variable) ?? nil) != nil
                guard environment.removeValue(forKey: error.variable) != nil || isLeftOut else { return problems }
            }
        }
    }

    private static func clock() -> Finding {
        let now = SystemClock().now()
        // Ids and JWTs carry the time; a machine without a battery-backed clock starts in 1970.
        guard let released = Timestamp(rfc3339: "2026-01-01T00:00:00Z"), now > released else {
            return .problem("clock", "it says \(now), which is before this version was made: set the system time")
        }
        return .fine("clock", "\(now)")
    }

    private static func keyFile(_ configuration: GatewayConfiguration) -> Finding {
        if configuration.masterKey != nil { return .fine("master key", "MASTER_KEY holds 32 bytes") }
        let file = MasterKeyFile(databasePath: configuration.databasePath)
        do {
            guard try file.read() != nil else {
                // Whether one is needed, the store says.
                if FileManager.default.fileExists(atPath: configuration.databasePath) {
                    return .fine("master key", "MASTER_KEY is not set and \(file.path) is not there")
                }
                return .fine("master key", "there is none yet; the first start makes \(file.path)")
            }
        } catch {
            return .problem("master key", "\(error)")
        }
        // A file whose attributes cannot be read is reported as one that others may read.
        let mode = (try? FileManager.default.attributesOfItem(atPath: file.path))?[.posixPermissions] as? Int ?? 0o777
        guard mode & 0o077 == 0 else {
            return .problem("master key", "others may read \(file.path): run chmod 600 \(file.path)")
        }
        return .fine("master key", "\(file.path); keep a copy apart from the database")
    }

    private static func store(_ configuration: GatewayConfiguration, audit: DeliveryAudit?) async -> [Finding] {
        do { try StorePlace(configuration: configuration).check() } catch { return [.problem("store", "\(error)")] }
        guard configuration.postgresURL != nil || FileManager.default.fileExists(atPath: configuration.databasePath)
        else {
            return [.fine("store", "\(configuration.databasePath) is not there yet; the first start makes it")]
        }
        do {
            let store = try await GatewayStore.openUnmigrated(
                configuration, logger: Logger(label: "httpsms", factory: { _ in SwiftLogNoOpLogHandler() }))
            var findings = await inspect(store, configuration)
            if let audit { findings += try await audit.findings(in: store) }
            if let reason = await store.readiness() { findings.append(.problem("store", reason)) }
            if configuration.postgresURL != nil {
                findings += try await durability(in: store)
                findings.append(try await snapshot(in: store))
            } else {
                let version = SQLiteVersion.loaded
                findings.append(.fine("sqlite", "\(version): \(version.advice)"))
            }
            try await store.close()
            return findings
        } catch {
            return [.problem("store", "\(error)")]
        }
    }

    /// What PostgreSQL has to keep what was changed for.
    private static func snapshot(in store: any Store) async throws -> Finding {
        let age = try await store.read(.maintenance) { tx in try SnapshotWatch.oldest(in: tx) }
        let seconds = age.components.seconds
        guard age >= SnapshotWatch.limit else {
            return .fine("postgresql", "the oldest transaction is open for \(seconds) s")
        }
        return .warning(
            "postgresql",
            """
            a transaction is open for \(seconds) s, a dump or a session that was forgotten: all that is changed is kept beside \
            it. pg_stat_activity names it
            """)
    }

    /// What is left to do for a second master key.
    private static func rotation(of keyring: Keyring, _ settled: Keyring, named: Int, isFile: Bool) -> [Finding] {
        guard keyring.isPair else { return [] }
        if settled.identifier != keyring.identifier {
            return [.warning("master key", "the new one is not in use yet: restart every server with both keys")]
        }
        if named > 1 { return [.warning("master key", "it is being rotated: run httpsms keys rotate-master")] }
        return [
            .warning(
                "master key",
                isFile
                    ? "a second key is in the key file and not needed: run httpsms keys rotate-master, which takes it out"
                    : "a second key is set and not needed: take MASTER_KEY_PREVIOUS away")
        ]
    }

    /// Webhooks that the server gave up on; their users see them in the dashboard.
    private static func webhooks(_ stopped: Int) -> [Finding] {
        if stopped == 0 { return [] }
        return [
            .warning(
                "webhooks",
                "\(stopped) were stopped as they failed for days or answered 410, and hold their events until they are resumed"
            )
        ]
    }

    private static func proxies(_ unlisted: [String], _ listed: TrustedProxies) -> Finding {
        let value = (listed.networks.map { "\($0)" } + unlisted).joined(separator: ",")
        return .warning(
            "proxies",
            """
            requests with X-Forwarded-For came from \(unlisted.joined(separator: ", ")) within 7 days, which nobody trusts: \
            all that is behind counts as one client when somebody signs in. If these are your proxies, set \
            TRUSTED_PROXIES=\(value)
            """)
    }

    private static func inspect(_ store: any Store, _ configuration: GatewayConfiguration) async -> [Finding] {
        do {
            let applied: Set<String> = Set(
                try await store.read(.maintenance) { tx in
                    try tx.rows("SELECT id FROM schema_migration").map { try $0.get("id") }
                })
            let missing = GatewayStore.migrations.flatMap(\.stepIDs).filter { !applied.contains($0) }
            guard missing.isEmpty else {
                return [.fine("store", "the next start migrates it: \(missing.joined(separator: ", "))")]
            }
            guard let keyring = try GatewayStore.knownKeyring(configuration) else {
                return [
                    .problem(
                        "store", "it is encrypted, but there is no master key: set MASTER_KEY, or restore the key file")
                ]
            }
            let (settled, named) = try await store.write(.maintenance) { tx in
                (
                    try keyring.settled(activates: false, in: tx),
                    try tx.rows("SELECT key_id FROM master_key_check").count
                )
            }
            let fine = Finding.fine("store", "\(configuration.storeName) opens, is up to date, and fits the master key")
            let listed = TrustedProxies(networks: configuration.trustedProxies)
            let unlisted = try await store.read(.maintenance) { tx in try UnlistedProxies.list(besides: listed, in: tx)
            }
            let (phones, stopped) = try await store.read(.maintenance) { tx in
                (try PhoneTransports(in: tx), try EndpointQueries.countDisabled(in: tx))
            }
            let owner = await attachmentOwner(configuration, store)
            let files = try await attachments(configuration, in: store)
            let lost = try await sealedValues(keyring, in: store)
            let isFile = configuration.masterKey == nil
            return [fine] + lost + owner + files + rotation(of: keyring, settled, named: named, isFile: isFile)
                + [Self.phones(phones, pushes: configuration.pushes)] + webhooks(stopped)
                + (unlisted.isEmpty ? [] : [proxies(unlisted, listed)])
        } catch {
            return [.problem("store", "\(error)")]
        }
    }
}
