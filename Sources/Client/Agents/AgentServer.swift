import Agents
import HTTPTypes
import JSON
import NIOHTTP1
import NIOPosix
import Synchronization

/// `httpsms mcp`: answers an agent's program by the Model Context Protocol, a line of JSON-RPC 2.0 each way.
///
/// Requests are answered as they come; calls of tools run beside each other, so that none waits for somebody's reply.
package final class AgentServer: Sendable {
    private let dialogue: AgentDialogue
    private let calls = Mutex<[[UInt8]: AgentCall]>([:])

    /// Calls under way at once. An agent has one or two.
    private static let mostCalls = 16

    /// Answers for the account whose key `client` has.
    package init(client: ServerClient, limits: AgentLimits) {
        let budget = AgentBudget(limits)
        dialogue = AgentDialogue(
            AgentTools(api: client, limits: limits) { count throws(AgentFault) in try budget.take(count) })
    }

    /// Answers until the input ends; then what waits for a reply stops waiting, and everything else is finished.
    ///
    /// - Parameters:
    ///   - read: Gives what there is to read, empty at the end. It blocks, on a thread of its own.
    ///   - write: Writes one line, from any thread, one at a time.
    /// - Throws: What `read` throws.
    package func run(
        read: @escaping @Sendable () throws -> [UInt8], write: @escaping @Sendable (String) -> Void
    ) async throws {
        let output = Mutex(write)
        let answer: @Sendable ([UInt8]) -> Void = { json in
            // A client that does not read what it asked for gets no more: nothing else is done here meanwhile.
            output.withLock { $0(String(decoding: json, as: UTF8.self)) }
        }
        // Of its own, as it hangs in a read nearly always.
        let reader = NIOThreadPool(numberOfThreads: 1)
        reader.start()
        defer { reader.shutdownGracefully { _ in } }
        try await withThrowingDiscardingTaskGroup { group in
            var lines = AgentLines()
            while true {
                let bytes = try await reader.runIfActive(read)
                let ended = bytes.isEmpty ? lines.end() : nil
                for line in lines.add(bytes) + [ended].compactMap(\.self) {
                    guard let work = begin(line, answer) else { continue }
                    group.addTask { await work() }
                }
                if bytes.isEmpty { break }
            }
            for call in calls.withLock({ Array($0.values) }) { call.end(.inputEnded) }
        }
    }

    /// Answers what takes no time at once; gives back what does.
    private func begin(
        _ line: AgentLines.Line, _ answer: @escaping @Sendable ([UInt8]) -> Void
    ) -> (@Sendable () async -> Void)? {
        do throws(AgentMessage.Fault) {
            guard case .complete(let bytes) = line else {
                throw AgentMessage.Fault(
                    code: .invalidRequest, message: "A line may have \(AgentLines.longest) bytes at most.")
            }
            guard let message = try AgentMessage.read(bytes) else { return nil }
            switch try dialogue.turn(message) {
            case .silence: note(message)
            case .answer(let json): answer(json)
            case .call(let work):
                let call = try admit(work.id)
                return { [self] in
                    let json = await dialogue.carryOut(work, call)
                    calls.withLock { $0[work.id] = nil }
                    // A request that was cancelled is not answered.
                    if call.ending != .cancelled { answer(json) }
                }
            }
        } catch {
            answer(error.encodedJSON())
        }
        return nil
    }

    private func admit(_ id: [UInt8]) throws(AgentMessage.Fault) -> AgentCall {
        let call = AgentCall()
        let problem: String? = calls.withLock { calls in
            if calls[id] != nil { return "A request with this id is under way." }
            if calls.count >= Self.mostCalls { return "\(Self.mostCalls) calls are under way: wait for one of them." }
            calls[id] = call
            return nil
        }
        if let problem { throw AgentMessage.Fault(code: .busy, message: problem, id: id) }
        return call
    }

    private func note(_ message: AgentMessage) {
        guard message.method == "notifications/cancelled", let id = message.parameters["requestId"] else { return }
        calls.withLock { $0[id] }?.end(.cancelled)
    }
}

/// Over a socket.
extension ServerClient: AgentAPI {
    package func exchange(
        _ method: HTTPRequest.Method, _ target: String, body: [UInt8]?, idempotencyKey: String?
    ) async throws(AgentFault) -> [UInt8] {
        do throws(ClientFailure) {
            return try await exchange(
                HTTPMethod(rawValue: method.rawValue), target, query: [], body: body, idempotencyKey: idempotencyKey)
        } catch {
            throw AgentFault(error.description, isTransient: error.isTransient)
        }
    }
}
