import JSON
import NIOPosix
import Synchronization
import Wire

/// `httpsms mcp`: answers an agent's program by the Model Context Protocol, a line of JSON-RPC 2.0 each way.
///
/// Requests are answered as they come; calls of tools run beside each other, so that none waits for somebody's reply.
/// What the tools may do is up to the server's API and the key: this has no rights of its own.
package final class AgentServer: Sendable {
    private let tools: AgentTools
    private let calls = Mutex<[[UInt8]: AgentCall]>([:])

    /// Calls under way at once. An agent has one or two.
    private static let mostCalls = 16
    /// The versions of the protocol in which what is used here is the same, newest first.
    private static let versions = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]

    /// Answers for the account whose key `client` has.
    package init(client: ServerClient, limits: AgentLimits) {
        tools = AgentTools(client: client, limits: limits)
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
            guard let id = message.id else {
                note(message)
                return nil
            }
            guard message.method == "tools/call" else {
                answer(Self.response(to: id, try result(of: message)))
                return nil
            }
            let (tool, arguments) = try tools.find(message)
            let call = try admit(id)
            return { [self] in
                let result = await tools.run(tool, arguments, call)
                calls.withLock { $0[id] = nil }
                // A request that was cancelled is not answered.
                if call.ending != .cancelled { answer(Self.response(to: id, result.encodedJSON())) }
            }
        } catch {
            answer(Self.response(error))
            return nil
        }
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

    private func result(of message: AgentMessage) throws(AgentMessage.Fault) -> [UInt8] {
        var json = JSONWriter()
        switch message.method {
        case "initialize":
            let asked = message.parameters.string("protocolVersion")
            let version = Self.versions.first { $0 == asked } ?? Self.versions[0]
            json.object { o in
                o.field("protocolVersion", version)
                o.object("capabilities") { o in o.object("tools") { _ in } }
                o.object("serverInfo") { o in
                    o.field("name", "httpsms")
                    o.field("title", "SMS through your own phones")
                    o.field("version", ServerVersion.current)
                }
                o.field("instructions", AgentTools.instructions)
            }
        case "ping": json.object { _ in }
        case "tools/list":
            json.object { o in o.array("tools", of: AgentTool.all) { json, tool in tool.write(to: &json) } }
        default:
            throw AgentMessage.Fault(code: .unknownMethod, message: "There is no such method here.", id: message.id)
        }
        return json.bytes
    }

    private static func response(to id: [UInt8], _ result: [UInt8]) -> [UInt8] {
        var json = JSONWriter()
        json.object { o in
            o.field("jsonrpc", "2.0")
            o.raw("id", id)
            o.raw("result", result)
        }
        return json.bytes
    }

    private static func response(_ fault: AgentMessage.Fault) -> [UInt8] {
        var json = JSONWriter()
        json.object { o in
            o.field("jsonrpc", "2.0")
            o.raw("id", fault.id ?? Array("null".utf8))
            o.object("error") { o in
                o.field("code", fault.code.rawValue)
                o.field("message", fault.message)
            }
        }
        return json.bytes
    }
}

/// One call of a tool, which may be ended while it waits.
final class AgentCall: Sendable {
    enum Ending: Sendable {
        /// The agent's program does not want the answer any more.
        case cancelled
        /// It asks nothing more, and may wait for the end.
        case inputEnded
    }

    private let state = Mutex<Ending?>(nil)

    /// Why it is to end; nil while it may go on.
    var ending: Ending? { state.withLock { $0 } }

    func end(_ ending: Ending) { state.withLock { $0 = $0 ?? ending } }
}

/// How much an agent may do in a while, whatever it was talked into.
package struct AgentLimits: Sendable {
    /// Recipients of one call.
    package var mostRecipients: Int
    /// With more recipients than these a call has to say how many there are.
    package var unconfirmed: Int
    /// SMS within an hour, by this process.
    package var mostInAnHour: Int

    /// Names the limits.
    package init(mostRecipients: Int, unconfirmed: Int, mostInAnHour: Int) {
        self.mostRecipients = mostRecipients
        self.unconfirmed = unconfirmed
        self.mostInAnHour = mostInAnHour
    }
}
