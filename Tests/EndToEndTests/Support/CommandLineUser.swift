import Foundation
import TestSupport

/// Someone who uses the commands with a key in the environment.
struct CommandLineUser {
    let installation: Installation
    var settings: [String: String]

    /// A user of the running server of `installation`.
    init(_ installation: Installation) {
        self.installation = installation
        settings = ["HTTPSMS_URL": installation.baseURL, "HTTPSMS_API_KEY": Client.apiKey]
    }

    /// Runs a command to its end.
    func run(_ arguments: String...) async throws -> Installation.Finished {
        let process = try installation.start(arguments, settings: settings)
        let end = try await process.wait()
        return .init(end: end, output: process.output, errors: process.errors)
    }

    /// Runs a command that must succeed, with `--json`, and gives what it prints.
    func json(_ arguments: String...) async throws -> JSONValue {
        let process = try installation.start(arguments + ["--json"], settings: settings)
        guard try await process.wait() == .exited(0) else {
            throw TestFailure("\(arguments) failed: \(process.output)\(process.errors)")
        }
        return try JSONDecoder().decode(JSONValue.self, from: Data(process.output.utf8))
    }
}
