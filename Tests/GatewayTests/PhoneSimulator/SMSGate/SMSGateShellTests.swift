import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import PhoneSimulator

/// The SMSGate app over real connections, against a server that answers by a script.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct SMSGateShellTests {
    @Test func aMessageGoesFromTheStreamToDelivered() async throws {
        try await ScriptedServer.run { server in
            try await server.phone { shell in
                shell.happen(.enterCode("12345678"))
                try await until("the stream is open") { server.streams == 1 && shell.app.webhooks.count == 1 }
                server.offer(SMSGateDriver.offer("m1"))
                server.send("event: MessageEnqueued\ndata: null\n\n")

                try await until("it is delivered") { server.states(of: "m1").contains("Delivered") }
                #expect(server.requests.contains("GET /message?order=lifo"))
            }
        }
    }

    @Test func aPullThatHangsIsCutOffByTheNextNudge() async throws {
        try await ScriptedServer.run { server in
            try await server.phone { shell in
                shell.happen(.enterCode("12345678"))
                try await until("the stream is open") { server.streams == 1 && shell.app.webhooks.count == 1 }
                server.hang(1)
                server.send("event: MessageEnqueued\ndata: null\n\n")
                try await until("the pull hangs") { server.hanging == 0 }
                server.offer(SMSGateDriver.offer("m1"))
                server.send("event: MessageEnqueued\ndata: null\n\n")

                try await until("it is delivered") { server.states(of: "m1").contains("Delivered") }
            }
        }
    }

    @Test func anSMSIsPassedOnOnceTheServerTakesIt() async throws {
        try await ScriptedServer.run { server in
            try await server.phone { shell in
                shell.happen(.enterCode("12345678"))
                try await until("the list is there") { shell.app.webhooks.count == 1 }
                shell.happen(.arrived(.init("Hello", from: "+18005550100", sentAt: Timestamp(seconds: 1_795_600_000))))

                try await until("the hook came") { server.requests.contains("POST /in") }
                try await until("the queue is empty") { shell.app.inbox.queue.isEmpty }
            }
        }
    }

    @Test func whatIsNoStreamEndsAtOnce() async throws {
        try await ScriptedServer.run { server in
            server.type("text/html")
            try await server.phone { shell in
                shell.happen(.enterCode("12345678"))

                try await until("it is tried") { server.streams == 1 }
                try await until("it ended") { shell.app.liveStreams == 0 && shell.app.streams != nil }
            }
        }
    }

    @Test func aKilledAppClosesItsStreamAndComesBack() async throws {
        try await ScriptedServer.run { server in
            try await server.phone { shell in
                shell.happen(.enterCode("12345678"))
                try await until("the stream is open") { server.streams == 1 }
                shell.happen(.kill)
                try await until("the stream is closed") { server.closed == 1 }
                shell.happen(.start)

                try await until("a new one is open") { server.streams == 2 }
            }
        }
    }
}

/// A server for one device that keeps what it is told and answers the least that the app needs.
private final class ScriptedServer: Sendable {
    private struct State {
        var port = 0
        var requests: [String] = []
        var reports: [JSON] = []
        var offers: [String] = []
        var hanging = 0
        var type = "text/event-stream"
        var streams: [AsyncStream<String>.Continuation] = []
        var closed = 0
    }

    private let state = Mutex(State())

    var requests: [String] { state.withLock { $0.requests } }
    var streams: Int { state.withLock { $0.streams.count } }
    var closed: Int { state.withLock { $0.closed } }
    /// How many pulls are still to hang.
    var hanging: Int { state.withLock { $0.hanging } }

    func hang(_ count: Int) { state.withLock { $0.hanging = count } }
    func type(_ type: String) { state.withLock { $0.type = type } }
    func offer(_ offer: String) { state.withLock { $0.offers.append(offer) } }
    func send(_ text: String) { for stream in state.withLock({ $0.streams }) { stream.yield(text) } }

    func states(of id: String) -> [String] {
        state.withLock { $0.reports }.filter { $0["id"].string == id }.map { $0["state"].string }
    }

    static func run(_ body: @escaping @Sendable (ScriptedServer) async throws -> Void) async throws {
        let server = ScriptedServer()
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            responder: CallbackResponder<BasicRequestContext> { request, _ in try await server.answer(request) },
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in found.yield(channel.localAddress?.port ?? 0) },
            logger: Logger(label: "server", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            for await port in ports {
                server.state.withLock { $0.port = port }
                break
            }
            try await body(server)
            group.cancelAll()
        }
    }

    /// Runs `body` beside a phone.
    func phone(_ body: @escaping @Sendable (SMSGateShell) async throws -> Void) async throws {
        let phone = SMSGatePhone(url: "http://127.0.0.1:\(state.withLock { $0.port })")
        var behaviour = SMSGateShell.Behaviour()
        (behaviour.latency, behaviour.pulse) = (.zero, .milliseconds(10))
        try await SMSGateTransport.with { [behaviour] transport in
            let shell = SMSGateShell(phone, over: transport, behaviour: behaviour)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await shell.run() }
                try await body(shell)
                group.cancelAll()
            }
        }
    }

    private func answer(_ request: Request) async throws -> Response {
        let body = try await request.body.collect(upTo: 1 << 20)
        let name = "\(request.method.rawValue) \(request.uri)"
        state.withLock { $0.requests.append(name) }
        let hook = state.withLock { #"[{"id":"h1","url":"http://127.0.0.1:\#($0.port)/in","event":"sms:received"}]"# }
        switch (request.method, request.uri.path) {
        case (.post, "/device"): return Self.json(SMSGateDriver.registration)
        case (.get, "/message"):
            let hangs = state.withLock { state in
                defer { state.hanging = max(0, state.hanging - 1) }
                return state.hanging > 0
            }
            if hangs { try await Task.sleep(for: .seconds(3_600)) }
            return Self.json("[\(state.withLock { $0.offers }.joined(separator: ","))]")
        case (.get, "/webhooks"): return Self.json(hook)
        case (.get, "/settings"): return Self.json("{}")
        case (.get, "/events"): return events()
        case (.patch, "/message"):
            let reports = try JSONDecoder().decode(JSON.self, from: Data(body.readableBytesView)).array
            state.withLock { $0.reports += reports }
            return Response(status: .noContent)
        default: return Response(status: .noContent)
        }
    }

    private func events() -> Response {
        let (parts, continuation) = AsyncStream.makeStream(of: String.self)
        let type = state.withLock { state in
            state.streams.append(continuation)
            return state.type
        }
        return Response(
            status: .ok, headers: [.contentType: type],
            body: ResponseBody { [self] writer in
                defer { state.withLock { $0.closed += 1 } }
                try await writer.write(ByteBuffer(string: ": open\n\n"))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    // Without a comment now and then a server does not see that the phone is gone.
                    group.addTask {
                        while true {
                            try await Task.sleep(for: .milliseconds(20))
                            continuation.yield(":\n\n")
                        }
                    }
                    for await part in parts { try await writer.write(ByteBuffer(string: part)) }
                    group.cancelAll()
                }
                try await writer.finish(nil)
            })
    }

    private static func json(_ text: String) -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/json"], body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}
