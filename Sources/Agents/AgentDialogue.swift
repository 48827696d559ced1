import JSON
import Wire

/// What an agent's program is answered by the Model Context Protocol, whichever way its messages come.
///
/// What the tools may do is up to the server's API and the key: this has no rights of its own.
package struct AgentDialogue: Sendable {
    private let tools: AgentTools
    private let versions: [String]

    /// The versions of the protocol in which what is used here is the same, newest first.
    package static let versions = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]

    /// - Parameters:
    ///   - tools: What the agent can do.
    ///   - versions: The versions of the protocol that are spoken, newest first; one at least.
    package init(_ tools: AgentTools, versions: [String] = versions) {
        self.tools = tools
        self.versions = versions
    }

    /// What follows from a message.
    package enum Turn: Sendable {
        /// Nothing is answered.
        case silence
        /// This is, at once: JSON.
        case answer([UInt8])
        /// A tool is called, which takes its time.
        case call(Work)
    }

    /// A tool that is called.
    package struct Work: Sendable {
        /// The JSON of the request's id.
        package let id: [UInt8]
        fileprivate let tool: AgentTool
        fileprivate let arguments: AgentArguments
    }

    /// Finds out what follows from a message.
    ///
    /// - Throws: `AgentMessage.Fault` with the id of the request.
    package func turn(_ message: AgentMessage) throws(AgentMessage.Fault) -> Turn {
        guard let id = message.id else { return .silence }
        guard message.method == "tools/call" else { return .answer(Self.response(to: id, try result(of: message))) }
        let (tool, arguments) = try tools.find(message)
        return .call(Work(id: id, tool: tool, arguments: arguments))
    }

    /// Does what is asked, and gives the answer as JSON. What is refused is an answer as well.
    package func carryOut(_ work: Work, _ call: AgentCall) async -> [UInt8] {
        let result = await tools.run(work.tool, work.arguments, call)
        return Self.response(to: work.id, result.encodedJSON())
    }

    private func result(of message: AgentMessage) throws(AgentMessage.Fault) -> [UInt8] {
        var json = JSONWriter()
        switch message.method {
        case "initialize":
            let asked = message.parameters.string("protocolVersion")
            let version = versions.first { $0 == asked } ?? versions.first ?? ""
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
            json.object { o in
                o.array("tools", of: AgentTool.all(tools.limits)) { json, tool in tool.write(to: &json) }
            }
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
}

extension AgentMessage.Fault: JSONWritable {
    /// The answer that tells it.
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("jsonrpc", "2.0")
            o.raw("id", id ?? Array("null".utf8))
            o.object("error") { o in
                o.field("code", code.rawValue)
                o.field("message", message)
            }
        }
    }
}
