import Foundation

/// What the processes of a benchmark do; each is a hidden command of the executable.
package enum BenchChildren {
    /// Receives webhooks until the process ends; tells its port.
    package static func sink(onListening: @escaping @Sendable (Int) -> Void) async throws {
        try await SinkServer.run(onListening: onListening)
    }

    /// Serves the no-op route until SIGTERM; tells its port.
    package static func noOp(onListening: @escaping @Sendable (Int) -> Void) async throws {
        try await NoOpServer.run(onListening: onListening)
    }

    /// Posts SMS as the plan in the JSON file `path` says.
    ///
    /// - Returns: What came of it, as JSON.
    package static func load(planIn path: String) async throws -> String {
        let plan = try JSONDecoder().decode(LoadPlan.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        return String(decoding: try JSONEncoder().encode(try await LoadGenerator.run(plan)), as: UTF8.self)
    }

    /// Posts the bodies of `count` events to `url` with a bare client.
    package static func post(_ client: BareClient, count: Int, to url: String) async throws {
        try await client.post(count: count, to: url)
    }

    /// The bodies of `count` events, each a line of JSON, for clients that are not ours.
    package static func bodies(count: Int) -> [String] {
        BenchMessage.bodies(count: count).map { String(decoding: $0, as: UTF8.self) }
    }
}
