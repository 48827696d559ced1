import Foundation
import Server

extension Commands {
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
}
