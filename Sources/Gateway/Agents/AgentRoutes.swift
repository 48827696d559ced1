import Agents
import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import ServiceLifecycle
import Storage
import Wire

/// `POST /mcp`: agents' programs speak the Model Context Protocol over HTTP, by its transport "Streamable HTTP".
///
/// A request has one message, and its answer is one JSON document. There is no session and no stream that the server would begin,
/// so GET and DELETE are 405, as the transport allows. It is not described in `openapi.json`: the protocol has a description of
/// its own, the tools describe themselves, and a client that is generated could do nothing with either.
struct AgentRoutes: Sendable {
    private let site: ServerSite
    private let identities: Identities
    private let calls = AgentCalls()
    private let budget = AgentBudget(limits)

    private static let path = "/mcp"

    /// Those of `httpsms mcp` when no option is given. A wait is shorter: proxies and agents' programs give up after 60 s.
    private static let limits = AgentLimits(longestWait: 50, areOptions: false)
    /// Those that have this transport.
    private static let versions = AgentDialogue.versions.filter { $0 >= "2025-03-26" }

    init(site: ServerSite, identities: Identities) {
        self.site = site
        self.identities = identities
    }

    /// Whether a path of the router is this one.
    static func isAgents(_ path: String) -> Bool { path == self.path }

    /// Adds the route. The tools call `api`, the routes of the API.
    func add(to router: Router<APIContext>, api: FirstUse<RouterResponder<APIContext>>) {
        router.group()
            .add(middleware: AgentErrorMiddleware())
            .add(middleware: LoopMiddleware(isEverywhere: true))
            .add(middleware: AgentOriginMiddleware(site: site))
            .add(middleware: AuthenticationMiddleware(identities: identities))
            .add(middleware: ContentEncodingMiddleware())
            .post(RouterPath(Self.path)) { request, context in try await answer(request, context, api.value) }
    }

    private func answer(
        _ request: Request, _ context: APIContext, _ api: RouterResponder<APIContext>
    ) async throws -> Response {
        let caller = try Self.caller(context)
        try Self.check(request)
        let body = try await request.body.collect(upTo: RequestBody.usualLimit)
        do {
            let message = try await context.uploads.reading(body, of: caller.userID) { try Self.message(in: body) }
            guard let message else { return Response(status: .accepted) }
            let tools = AgentTools(
                api: OwnAPI(responder: api, agent: request.head, context: context), limits: Self.limits
            ) { [budget] count throws(AgentFault) in try budget.take(count, for: caller.holder) }
            let dialogue = AgentDialogue(tools, versions: Self.versions)
            switch try dialogue.turn(message) {
            // Without a session nobody knows which of the calls with an id a cancellation means: it is ignored, as it may be.
            case .silence: return Response(status: .accepted)
            case .answer(let json): return .agent(.ok, json)
            case .call(let work):
                return try await calls.run(of: caller.userID, work.id) {
                    Response.agent(.ok, try await carryOut(work, dialogue, context))
                }
            }
        } catch let fault as AgentMessage.Fault {
            // A request that can be told from others has an answer, and what cannot be read is the transport's fault.
            return .agent(fault.id == nil ? .badRequest : .ok, fault.encodedJSON())
        }
    }

    /// Nobody waits for the answer any more when the client has gone, and nobody may when the server ends.
    private func carryOut(
        _ work: AgentDialogue.Work, _ dialogue: AgentDialogue, _ context: APIContext
    ) async throws -> [UInt8] {
        let call = AgentCall()
        return try await ClientDeparture.watch(context.channel, onDeparture: { call.end(.cancelled) }) {
            await withGracefulShutdownHandler {
                await dialogue.carryOut(work, call)
            } onGracefulShutdown: {
                call.end(.inputEnded)
            }
        }
    }

    /// Whose key it is, and which: that of an account, or one with scopes.
    private static func caller(_ context: APIContext) throws -> (userID: UserID, holder: AgentBudget.Holder) {
        switch context.identity {
        case .user(let id): (id, AgentBudget.Holder(account: id.text, key: ""))
        case .key(let id, let grant): (id, AgentBudget.Holder(account: id.text, key: grant.id.text))
        case .phone, nil: throw Refusal.unauthenticated
        }
    }

    /// Refuses a version of the protocol that is not spoken here, and a body that says it is something else than JSON, as a form
    /// of a web page does.
    private static func check(_ request: Request) throws {
        if let version = request.headers[.mcpProtocolVersion], !versions.contains(version) {
            throw Refusal.malformed("the MCP-Protocol-Version must be one of \(versions.joined(separator: ", "))")
        }
        guard Request.isJSON(request.headers[.contentType]) else {
            throw Refusal(.unreadable, "The Content-Type header must be application/json.")
        }
    }

    /// Reads the message; nil for an answer.
    private static func message(in body: ByteBuffer) throws(AgentMessage.Fault) -> AgentMessage? {
        try AgentMessage.read(Array(body.readableBytesView))
    }
}
