import Delivery
import Foundation
import Logging
import Secrets
import Storage
import Timestamps

/// What the commands of the executable do; each takes flags by the variable they stand for.
package enum Commands {
    /// Runs the server until SIGTERM or SIGINT.
    package static func serve(flags: [String: String?]) async throws {
        let configuration = try configure(flags)
        let logger = Logger(label: "httpsms")
        let server = try await GatewayServer(configuration, logger: logger)
        try await server.run(logger: logger)
        logger.info("server stopped")
    }

    /// Runs the demonstration, on a store of its own unless one is named: its account would own the other; see
    /// ``Demonstration``.
    package static func demo(flags: [String: String?], once: Bool) async throws {
        var flags = flags
        let environment = ProcessInfo.processInfo.environment
        if once, flags["HTTP_PORT"] ?? nil == nil, environment["HTTP_PORT"] == nil { flags["HTTP_PORT"] = "0" }
        if flags["LOG_LEVEL"] ?? nil == nil, environment["LOG_LEVEL"] == nil { flags["LOG_LEVEL"] = "warning" }
        if flags["DATABASE_URL"] ?? nil == nil, environment["DATABASE_URL"] == nil {
            flags["DATABASE_URL"] = "sqlite:./demo-data/httpsms.sqlite"
        }
        try await Demonstration(try configure(flags), once: once).run()
    }

    /// A new account.
    package struct CreatedUser: Sendable {
        /// Its id.
        package let id: String
        /// Its API key, to be shown once.
        package let apiKey: String
    }

    /// Makes an account in the store, which is made and migrated where needed; with `password`, it can sign in to the
    /// dashboard at once.
    ///
    /// - Throws: ``UserCreationError`` and what opening the store throws.
    package static func createUser(
        flags: [String: String?], email: String, id: String?, apiKey: String?, password: String? = nil
    ) async throws -> CreatedUser {
        if let problem = password.flatMap({ Passwords.problem(with: $0, email: email) }) {
            throw UserCreationError(problem)
        }
        var hash: String?
        if let password { hash = try await Passwords().hash(password, in: .first) }
        return try await withStore(flags) { [hash] opened in
            let users = UserOperations(
                store: opened.store, queries: UserQueries(keyring: opened.keyring),
                identities: Identities(store: opened.store), endpoints: EndpointQueries(keyring: opened.keyring))
            let user = try await users.create(email: email, id: id, apiKey: apiKey) { user, tx in
                if let hash { _ = try AccessQueries.insertPassword(hash, of: user.id, in: tx) }
            }
            return CreatedUser(id: user.id.text, apiKey: user.apiKey.exposed)
        }
    }

    /// Gives an account another password, or its first, ends all of its sessions and forgets its browsers, as whoever knew
    /// the old one may have some, and its failed attempts to sign in.
    ///
    /// - Throws: ``UserCreationError`` when the password is too weak or there is no such account; what opening the store
    ///   throws.
    package static func setPassword(flags: [String: String?], email: String, password: String) async throws {
        if let problem = Passwords.problem(with: password, email: email) { throw UserCreationError(problem) }
        let hash = try await Passwords().hash(password, in: .first)
        try await withStore(flags) { opened in
            try await opened.store.write { tx in
                guard let account = try AccessQueries.account(email: email, in: tx) else {
                    throw UserCreationError("there is no account with the e-mail address \(email)")
                }
                try AccessQueries.delete(of: account.id, in: tx)
                _ = try AccessQueries.insertPassword(hash, of: account.id, in: tx)
                try AccessQueries.forgetAttempts(.email(email), in: tx)
            }
        }
    }

    /// Brings the store up to date and gives the migrations that it took.
    package static func migrate(flags: [String: String?]) async throws -> [String] {
        let configuration = try configure(flags)
        let logger = Logger(label: "httpsms")
        let store = try await GatewayStore.openUnmigrated(configuration, logger: logger)
        let applied: [String]
        do {
            applied = try await store.migrate(GatewayStore.migrations, logger: logger)
        } catch {
            try? await store.close()  // The first error is the one to report.
            throw error
        }
        try await store.close()
        return applied
    }

    static func configure(_ flags: [String: String?]) throws -> GatewayConfiguration {
        let configuration = try GatewayConfiguration(
            flags: flags, environment: ProcessInfo.processInfo.environment)
        LogLine.bootstrap(configuration)
        return configuration
    }

    private static func withStore<T: Sendable>(
        _ flags: [String: String?], _ body: (GatewayStore) async throws -> T
    ) async throws -> T {
        let configuration = try configure(flags)
        let opened = try await GatewayStore.open(
            configuration, clock: SystemClock(), logger: Logger(label: "httpsms"))
        do {
            let value = try await body(opened)
            try await opened.store.close()
            return value
        } catch {
            try? await opened.store.close()  // The first error is the one to report.
            throw error
        }
    }
}
