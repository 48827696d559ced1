import Foundation
import TestSupport
import Testing

/// Webhooks behind proxy.py, a public proxy.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct WebhookWayOutTests {
    /// Runs the proxy, which asks for credentials, beside `body`.
    private static func withProxy(in folder: String, _ body: (_ port: Int, _ log: String) async throws -> Void)
        async throws
    {
        let interpreter = try #require(ProcessInfo.processInfo.environment["HTTPSMS_PYTHON"])
        let (ports, log) = (folder + "/proxy-port", folder + "/proxy-log")
        let process = Process.beside(
            interpreter,
            [
                "-m", "proxy", "--hostname", "127.0.0.1", "--port", "0", "--port-file", ports, "--num-workers", "1",
                "--num-acceptors", "1", "--basic-auth", "user:pass", "--log-file", log, "--data-dir", folder,
            ])
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        defer { process.terminate() }
        let port = try await eventually("the proxy listens") {
            (try? String(contentsOfFile: ports, encoding: .utf8)).flatMap {
                Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
            }
        }
        try await body(port, log)
    }

    @Test func webhooksLeaveThroughAProxyUnlessToldOtherwise() async throws {
        try await withTemporaryDirectory { folder in
            let authority = try await TestAuthority(in: folder)
            let tls = try await authority.issue(for: "DNS:localhost,IP:127.0.0.1").serverContext()
            try await RawReceiver.run(
                tls: tls, script: { $0.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") }
            ) { secure, securePort in
                try await WebhookReceiver.run { plain in
                    try await Self.withProxy(in: folder) { port, log in
                        let settings = [
                            "WEBHOOK_PROXY": "http://user:pass@127.0.0.1:\(port)", "NO_PROXY": "127.0.0.1",
                            "WEBHOOK_CA_FILE": authority.certificatePath,
                        ]
                        let plainURL = plain.url("/plain").replacing("127.0.0.1", with: "localhost")
                        let directURL = plain.url("/direct")
                        try await withServer(settings) { server in
                            let account = try await server.makeAccount()
                            let phone = try await account.makePhone()
                            var webhooks: [JSON] = []
                            for url in [plainURL, "https://localhost:\(securePort)/tls", directURL] {
                                webhooks.append(try await account.makeWebhook(url, ["signing_key": ""]))
                            }

                            try await account.receive("Hello", on: phone)
                            for webhook in webhooks { try await account.newest(webhook, is: "succeeded") }
                        }
                        #expect(plain.requests.map(\.path).sorted() == ["/direct", "/plain"])
                        #expect(plain.requests.allSatisfy { $0.header("Proxy-Authorization") == nil })
                        #expect(secure.requests.count == 1 && secure.requests[0].hasPrefix("POST /tls HTTP/1.1"))
                        let lines = try await eventually("both in the proxy's log") {
                            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
                            return text.contains("CONNECT") && text.contains("/plain") ? text : nil
                        }
                        #expect(lines.contains("CONNECT 127.0.0.1:\(securePort)") || lines.contains("CONNECT"))
                        #expect(!lines.contains("/direct"))
                    }
                }
            }
        }
    }

    @Test func aProxyThatWantsOtherCredentialsIsTold() async throws {
        try await withTemporaryDirectory { folder in
            try await WebhookReceiver.run { receiver in
                let url = receiver.url()
                try await Self.withProxy(in: folder) { port, _ in
                    try await withServer(["WEBHOOK_PROXY": "http://user:wrong@127.0.0.1:\(port)"]) { server in
                        let account = try await server.makeAccount()
                        let phone = try await account.makePhone()
                        let webhook = try await account.makeWebhook(url)
                        try await account.receive("Hello", on: phone)
                        let delivery = try await eventually("an attempt") {
                            try await account.deliveries(webhook).first { $0["last_error"] != nil }
                        }
                        #expect(delivery["last_error"] == "proxy_failed" && delivery["status"] == "pending")
                    }
                }
                #expect(receiver.requests.isEmpty)
            }
        }
    }
}
