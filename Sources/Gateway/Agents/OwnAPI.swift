import Agents
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Wire

/// The API as agents call it over HTTP: without a socket, and otherwise as if their program had called it.
///
/// Each request brings the agent's key along and passes the API's own look at it. So a key that was deleted meanwhile, that expired
/// or that lacks the scope is refused as ever, and what an agent was talked into goes no further than its key.
struct OwnAPI: AgentAPI {
    /// The routes of the API, without those of agents: no tool can call another.
    let responder: RouterResponder<APIContext>
    /// What the agent's program sent.
    let agent: HTTPRequest
    let context: APIContext

    func exchange(
        _ method: HTTPRequest.Method, _ target: String, body: [UInt8]?, idempotencyKey: String?
    ) async throws(AgentFault) -> [UInt8] {
        var head = HTTPRequest(method: method, scheme: agent.scheme, authority: agent.authority, path: target)
        for name in Self.identifying { head.headerFields[values: name] = agent.headerFields[values: name] }
        head.headerFields[.idempotencyKey] = idempotencyKey
        if let body {
            head.headerFields[.contentType] = "application/json"
            head.headerFields[.contentLength] = "\(body.count)"
        }
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer(bytes: body ?? [])))
        var inner = APIContext(
            source: ApplicationRequestContextSource(channel: context.channel, logger: context.logger))
        inner.origin = context.origin
        inner.room = context.room
        let collected = BodyBytes()
        let status: Int
        do {
            let response = try await responder.respond(to: request, context: inner)
            try await response.body.write(collected)
            status = response.status.code
        } catch {
            context.logger.error("call of an agent failed", metadata: ["error": "\(error)"])
            throw AgentFault("The server ran into an error. Its log says more.", isTransient: true)
        }
        guard (200..<300).contains(status) else { throw Self.refusal(status, collected.bytes) }
        return collected.bytes
    }

    private static func refusal(_ status: Int, _ body: [UInt8]) -> AgentFault {
        let envelope = ErrorEnvelope(body)
        let first = "the server answered \(status): \(envelope?.message ?? "it gave no reason")"
        let lines = [first] + (envelope?.details ?? []).map { "  \($0)" }
        return AgentFault(lines.joined(separator: "\n"), isTransient: status >= 500)
    }

    /// What says who asks.
    private static let identifying: [HTTPField.Name] = [.apiKey, .authorization]
}
