import Agents
import Storage
import Synchronization

/// The calls of tools that are under way over HTTP: so many of an account, and so many of all, as each may wait for a reply.
final class AgentCalls: Sendable {
    /// An agent has one or two.
    static let mostOfAccount = 16
    /// Each that waits asks the store once a second.
    static let most = 512

    private let open = Mutex<[UserID: Int]>([:])

    /// Runs `body`, one more call of `userID`, which the request `id` makes.
    ///
    /// - Throws: `AgentMessage.Fault` when there are too many; what `body` throws.
    func run<Value>(of userID: UserID, _ id: [UInt8], _ body: () async throws -> Value) async throws -> Value {
        let problem = open.withLock { open -> String? in
            let own = open[userID, default: 0]
            if own >= Self.mostOfAccount {
                return "\(Self.mostOfAccount) calls of this account are under way: wait for one of them."
            }
            if open.values.reduce(0, +) >= Self.most { return "The server has too many calls under way. Try again." }
            open[userID] = own + 1
            return nil
        }
        if let problem { throw AgentMessage.Fault(code: .busy, message: problem, id: id) }
        defer {
            open.withLock { open in
                let rest = open[userID, default: 1] - 1
                open[userID] = rest > 0 ? rest : nil
            }
        }
        return try await body()
    }
}
