import Delivery
import HTTPSMSWebhooks
import Secrets
import Synchronization
import TestSupport

@testable import Gateway
@testable import PhoneSimulator

/// What a simulated phone said.
final class Lines: Sendable {
    private let said = Mutex<[String]>([])

    var all: [String] { said.withLock { $0 } }

    func add(_ line: String) {
        said.withLock { $0.append(line) }
    }

    /// Whether a line holds all of `words`.
    func has(_ words: String...) -> Bool {
        all.contains { line in words.allSatisfy { line.contains($0) } }
    }
}

/// A simulated phone that is registered at a real server, which pushes to it.
struct PhoneFixture: Sendable {
    static let number = "+18005550199"

    let server: TestServer
    let account: Account
    let phone: SimulatedPhone
    let lines: Lines

    /// Runs `body` beside a server and a phone that answers pushes.
    static func run(
        fate: @escaping @Sendable (PhoneAPI.Outstanding) -> SimulatedPhone.Fate = { _ in .delivered },
        _ body: @escaping @Sendable (PhoneFixture) async throws -> Void
    ) async throws {
        let endpoint = PushEndpoint()
        let (urls, found) = AsyncStream.makeStream(of: String.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await endpoint.run { found.yield($0) } }
            group.addTask {
                var iterator = urls.makeAsyncIterator()
                let url = await iterator.next() ?? ""
                try await withServer(["FCM_ENDPOINT": url]) { server in
                    let account = try await server.makeAccount()
                    let key = try await account.client.post("/v1/phone-api-keys", ["name": "phone"]).data["api_key"]
                    let lines = Lines()
                    let phone = SimulatedPhone(
                        PhoneAPI(baseURL: server.baseURL, apiKey: Secret(key.string), number: number, sim: .sim2),
                        behaviour: .init(latency: .zero, fate: fate), journal: PhoneJournal { lines.add($0) },
                        clock: server.clock)
                    try await phone.register(token: endpoint.token)
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { await phone.answer(endpoint.arrivals) }
                        try await body(PhoneFixture(server: server, account: account, phone: phone, lines: lines))
                        group.cancelAll()
                    }
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    /// Sends a message and gives it once its status is `status`.
    func send(_ more: JSON = [:], until status: String) async throws -> JSON {
        let id = try await account.send(more)["id"].string
        return try await eventually("the message is \(status)") {
            [try await account.message(id)].first { $0["status"].string == status }
        }
    }
}
