import NIOCore
import NIOPosix
import TestSupport
import Testing

extension EndToEndTests {
    /// A machine that lets the server open few files.
    @Suite struct OpenFiles {
        /// Fewer than the connections that it is told to take.
        private static let openFiles = 96

        @Test(.timeLimit(.minutes(15)))
        func whenNoSocketIsLeftWebhooksWaitAndNoTryIsLost() async throws {
            try await withReceiver { receiver in
                try await withInstallation(["MAX_CONNECTIONS": "1000"], openFiles: Self.openFiles) { installation in
                    let client = Client(installation: installation)
                    try await client.setUp()
                    try await client.webhook(receiver.baseURL, events: ["message.phone.received"])
                    let isWaiting = { installation.server?.errors.contains("no socket can be opened") == true }
                    var count = 0
                    try await until("a delivery waits for a socket") {
                        // What sends nothing is closed after ten seconds: a busy machine may be late for it.
                        let held = try await Self.connections(150, to: installation.baseURL)
                        // On the connection of before: no other is accepted.
                        count += 1
                        try await client.receive("while all files are open", number: count)
                        try await until("it waits, or has come") { isWaiting() || receiver.count == count }
                        for channel in held { channel.close(promise: nil) }
                        return isWaiting()
                    }

                    try await until("the event") { receiver.count == count }
                    #expect(receiver.arrivals.allSatisfy { $0.headers["x-httpsms-attempt"] == "1" })
                    try await installation.stop()
                }
            }
        }

        /// What runs the tasks opens a file once a second while some of them wait, and ended the process where it could not.
        @Test(.timeLimit(.minutes(15)))
        func aBusyServerWithoutFilesLives() async throws {
            try await withInstallation(["MAX_CONNECTIONS": "1000"], openFiles: Self.openFiles) { installation in
                let client = Client(installation: installation)
                try await client.setUp()
                // Before the others, as no connection is accepted behind them.
                let asked = try await Self.connections(8, to: installation.baseURL)
                let held = try await Self.connections(150, to: installation.baseURL)
                for channel in asked { try await channel.writeAndFlush(ByteBuffer(string: Self.requests)) }
                for channel in asked { try await channel.closeFuture.get() }
                for channel in held { channel.close(promise: nil) }

                #expect(installation.server?.errors.contains("connections wait") == true)
                try await installation.stop()
            }
        }

        /// 150 requests, one behind the other; the server closes behind the last answer.
        private static let requests =
            String(repeating: request(""), count: 149) + request("Connection: close\r\n")

        private static func request(_ field: String) -> String {
            "GET /v1/users/me HTTP/1.1\r\nHost: localhost\r\nx-api-key: \(Client.apiKey)\r\n\(field)\r\n"
        }

        @Test(.timeLimit(.minutes(15)))
        func withTooFewTheServerDoesNotStartAndSaysWhy() async throws {
            try await withInstallation(openFiles: 40) { installation in
                let served = try await installation.run("serve")

                #expect(served.end == .exited(1), "\(served.end)")
                #expect(served.errors.contains("the limit of open files is 40"), "\(served.errors)")
            }
        }

        private static func connections(_ count: Int, to url: String) async throws -> [any Channel] {
            let port = try #require(url.split(separator: ":").last.flatMap { Int($0) })
            var channels: [any Channel] = []
            for _ in 0..<count {
                channels.append(
                    try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                        .connect(host: "127.0.0.1", port: port).get())
            }
            return channels
        }
    }
}
