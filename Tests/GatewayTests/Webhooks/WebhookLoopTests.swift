import AsyncHTTPClient
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// Webhooks that lead back to the server.
@Suite(.timeLimit(.minutes(15))) struct WebhookLoopTests {
    @Test(arguments: ["/v1/messages/receive", "/v1", "/V1/Messages/Receive/", "/v1/nothing"])
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
