import AsyncHTTPClient
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// Webhooks that lead back to the server.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct WebhookLoopTests {
    @Test(arguments: [
        "/v1/messages/receive", "/v1", "/V1/Messages/Receive/", "/v1/nothing", "//v1/messages/receive", "/v1//x",
        "///V1",
    ])
    func aDeliveryThatArrivesAtTheAPIIsRefused(path: String) async throws {
        try await withWebhookServer { server, account, phone, _ in
            for client in [server.client, account.client, phone.client] {
                let answer = try await client.send(
                    "POST", path, headers: [("X-Httpsms-Delivery", unknownID), ("Content-Type", "application/json")],
                    body: Array("{}".utf8))

                #expect(answer.status == 508)
                #expect(
                    answer.json
                        == Envelope.error(
                            "This is a webhook delivery. A webhook must not call the API of an httpSMS server.",
                            code: "loop_detected"))
            }
            #expect(try await server.emittedTypes().isEmpty)
        }
    }

    @Test func noRouteOfAnAPITakesOne() async throws {
        try await withServer { server in
            let own = server.routes.filter { !$0.contains(" /playground") && $0.contains(" /v1") }
            let app = ["/api/mobile/v1", "/mobile/v1"].flatMap { prefix in
                [
                    "POST \(prefix)/inbound/wh_1", "POST \(prefix)/device", "PATCH \(prefix)/message",
                    "GET \(prefix)/events",
                ]
            }
            #expect(own.count > 50)
            for route in own + app {
                let parts = route.split(separator: " ").map(String.init)
                for path in [parts[1], "/" + parts[1]] {
                    let answer = try await server.client.send(
                        parts[0], path, headers: [("X-Httpsms-Delivery", unknownID)])
                    #expect(answer.status == 508, "\(parts[0]) \(path)")
                }
            }
        }
    }

    @Test func theSourceOfAnEventIsThePathThatTheRouterSaw() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            try await account.makeWebhook(receiver.url())
            let slashes = String(repeating: "/", count: 20_000)

            let answer = try await phone.client.post(
                "\(slashes)v1/\(slashes)/messages//receive?a=//b",
                [
                    "from": "+18005550100", "to": .string(phone.number), "content": "Hi", "sim": "SIM1",
                    "timestamp": "2026-01-01T00:00:00Z",
                ])

            #expect(answer.status == 200, "\(answer)")
            #expect(try await receiver.event("message.phone.received", 1).json["source"] == "/v1/messages/receive")
        }
    }

    @Test(arguments: ["/health", "/v10", "/"])
    func onlyTheAPIRefusesIt(path: String) async throws {
        try await withWebhookServer { server, _, _, _ in
            let answer = try await server.client.send("GET", path, headers: [("x-httpsms-delivery", unknownID)])

            #expect(answer.status != 508)
        }
    }

    @Test(arguments: ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"])
    func ourOwnAddressIsNoCallback(host: String) async throws {
        let port = try await Self.freePort()
        try await withWebhookServer([
            "HTTP_PORT": "\(port)", "APP_URL": "http://localhost:\(port)",
            "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
        ]) { server, account, phone, _ in
            let answer = try await account.client.post(
                "/v1/webhooks",
                [
                    "url": .string("http://\(host):\(port)/v1/messages/receive"),
                    "phone_numbers": [.string(phoneNumber)],
                    "events": ["message.phone.received"],
                ])

            #expect(answer.status == 422)
            #expect(answer.data["url"][0].string.contains("is this server itself"), "\(answer)")
        }
    }

    @Test func aLoopThroughAProxyEndsWithItsFirstRound() async throws {
        try await withWebhookServer { server, account, phone, _ in
            try await Relay.run(to: server.baseURL) { port in
                let webhook = try await account.makeWebhook("http://127.0.0.1:\(port)/v1/messages/receive")

                try await account.receive("1", on: phone)
                let delivery = try await eventually("the answer") {
                    try await account.deliveries(webhook).first { $0["last_status_code"] == 508 }
                }

                #expect(delivery["last_error"] == "server_error")
                #expect(try await server.emittedTypes() == ["message.phone.received"])
            }
        }
    }

    private static func freePort() async throws -> Int {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = channel.localAddress?.port ?? 0
        try await channel.close()
        return port
    }
}

/// A reverse proxy of the plainest kind: passes on the bytes of each connection.
private enum Relay {
    /// Listens on a free port while `body` runs.
    static func run(to baseURL: String, body: (_ port: Int) async throws -> Void) async throws {
        let target = Int(baseURL.split(separator: ":").last ?? "") ?? 0
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { inner in
                ClientBootstrap(group: inner.eventLoop)
                    .connect(host: "127.0.0.1", port: target)
                    .flatMapThrowing { outer in
                        try inner.pipeline.syncOperations.addHandler(PassOn(to: outer))
                        try outer.pipeline.syncOperations.addHandler(PassOn(to: inner))
                    }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let result: Result<Void, any Error>
        do { result = .success(try await body(server.localAddress?.port ?? 0)) } catch { result = .failure(error) }
        try await server.close()
        try result.get()
    }

    private final class PassOn: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let other: any Channel

        init(to other: any Channel) {
            self.other = other
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            other.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            other.close(promise: nil)
        }
    }
}
