import Delivery
import Foundation
import Gateway
import Logging
import Secrets
import Storage
import Timestamps

/// Why the server does not start: without files to open, the first thing that needs one would end it without a word.
private struct TooFewOpenFiles: Error, CustomStringConvertible {
    let description: String
}

/// What the commands of the executable do; each takes flags by the variable they stand for.
package enum Commands {
    /// Runs the server until SIGTERM or SIGINT.
    package static func serve(flags: [String: String?]) async throws {
        let configuration = try configure(flags)
        if let shortage = ConnectionLimits.shortageOfOpenFiles() { throw TooFewOpenFiles(description: shortage) }
        let logger = Logger(label: "httpsms")
        let server = try await GatewayServer(configuration, logger: logger)
        try await server.run(logger: logger)
        logger.info("server stopped")
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
        // Before a store is made in a folder that may be the wrong one.
        try UserOperations.check(email: email, password: password)
        return try await withStore(flags) { opened in
            let users = UserFeature(try await opened.ground()).operations
            let user = try await users.create(email: email, id: id, apiKey: apiKey, password: password)
            return CreatedUser(id: user.id.text, apiKey: user.apiKey.exposed)
        }
    }

    /// Gives an account another password, or its first, ends all of its sessions and forgets its browsers, as whoever knew
    /// the old one may have some, and its failed attempts to sign in.
    ///
    /// - Throws: ``UserCreationError`` when the password is too weak or there is no such account; what opening the store
    ///   throws.
    package static func setPassword(flags: [String: String?], email: String, password: String) async throws {
        try UserOperations.check(email: email, password: password)
        try await withStore(flags) { opened in
            try await UserFeature(try await opened.ground()).operations.setPassword(password, email: email)
        }
    }

    /// Lets the password of an account be enough to sign in.
    ///
    /// - Throws: ``UserCreationError`` when there is no such account, or its password is enough; what opening the store
    ///   throws.
    package static func removeSecondFactor(flags: [String: String?], email: String) async throws {
        try await withStore(flags) { opened in
            try await UserFeature(try await opened.ground()).operations.removeSecondFactor(email: email)
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

    /// Reads what was configured, and has everything logged as it says.
    ///
    /// - Throws: ``ConfigurationError``.
    package static func configure(_ flags: [String: String?]) throws -> GatewayConfiguration {
        let configuration = try GatewayConfiguration(
            flags: flags, environment: ProcessInfo.processInfo.environment)
        LogLine.bootstrap(configuration)
        return configuration
    }

    /// Says on standard error why a command failed, behind what it logged. Waits a second at most for whoever reads that.
    package static func report(_ text: String) {
        LogQueue.standardError.add(Array("\(text)\n".utf8))
        LogQueue.standardError.flush()
    }

    static func withStore<T: Sendable>(
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
