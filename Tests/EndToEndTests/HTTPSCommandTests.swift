import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import TestSupport
import Testing

extension EndToEndTests {
    /// HTTPS as an operator sets it up: flags and `doctor`, SIGHUP, and the examples of the documentation.
    @Suite struct HTTPSCommands {
        @Test(.timeLimit(.minutes(15)))
        func serveSpeaksHTTPSAndReadsTheFilesAgainOnSIGHUP() async throws {
            try await withInstallation { installation in
                let authority = try await TestAuthority(in: installation.folder)
                let pair = try await authority.issue()
                let process = try installation.start([
                    "serve", "--tls-certificate", pair.certificate, "--tls-key", pair.key,
                ])
                try await until("the server listens") {
                    process.errors.contains("server is listening url=https://127.0.0.1:") || process.end != nil
                }
                #expect(process.errors.count(of: "certificate loaded") == 1)

                process.signal(SIGHUP)

                try await until("the certificate is read again") {
                    process.errors.count(of: "certificate loaded") == 2 || process.end != nil
                }
                process.signal(SIGTERM)
                #expect(try await process.wait() == .exited(0), "\(process.errors)")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func withoutACertificateAHangupEndsTheServerAsItShould() async throws {
            try await withInstallation { installation in
                try await installation.serve()
                let process = try #require(installation.server)

                process.signal(SIGHUP)

                #expect(try await process.wait() == .exited(0), "\(process.errors)")
                #expect(process.errors.contains("server stopped"))
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func serveAndDoctorNameWhatIsWrongWithTheCertificate() async throws {
            try await withInstallation { installation in
                let authority = try await TestAuthority(in: installation.folder)
                let (pair, other) = (try await authority.issue(days: 14), try await authority.issue())
                let fine = ["TLS_CERTIFICATE": other.certificate, "TLS_KEY": other.key]
                let ending = ["TLS_CERTIFICATE": pair.certificate, "TLS_KEY": pair.key]
                let mixed = ["TLS_CERTIFICATE": pair.certificate, "TLS_KEY": other.key]

                let good = try await installation.run("doctor", settings: fine)
                #expect(good.end == .exited(0), "\(good.output)")
                #expect(
                    good.output.contains("ok       certificate: \(other.certificate) fits its key and is valid until"))
                let warned = try await installation.run("doctor", settings: ending)
                #expect(warned.end == .exited(0), "\(warned.output)")
                #expect(warned.output.contains("WARNING  certificate: \(pair.certificate) is valid until"))
                #expect(warned.output.contains("for 13 more full days"), "\(warned.output)")
                let words = "TLS_KEY names \(other.key), which is not the key of the first certificate in"
                let bad = try await installation.run("doctor", settings: mixed)
                #expect(bad.end == .exited(1))
                #expect(bad.output.contains("PROBLEM  certificate: \(words)"), "\(bad.output)")
                let refused = try await installation.run("serve", settings: mixed)
                #expect(refused.end == .exited(1))
                #expect(refused.errors.contains("Error: \(words)"), "\(refused.errors)")
                let half = try await installation.run("serve", settings: ["TLS_KEY": other.key])
                #expect(half.errors.contains("Error: TLS_CERTIFICATE cannot be read: it must be"), "\(half.errors)")

                try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: other.key)
                let exposed = try await installation.run("doctor", settings: fine)
                #expect(exposed.end == .exited(1))
                #expect(exposed.output.contains("PROBLEM  certificate: anybody may read \(other.key)"))
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func nginxWithTheExampleOfTheDocumentationForwardsToTheServer() async throws {
            try await withInstallation(["TRUSTED_PROXIES": "127.0.0.1"]) { installation in
                let client = Client(installation: installation)
                try await client.setUp()
                let authority = try await TestAuthority(in: installation.folder)
                let pair = try await authority.issue()
                let (plain, secure) = (try freePort(), try freePort())
                let site = try example(
                    "nginx.conf",
                    [
                        "listen [::]:80;": "", "listen [::]:443 ssl;": "", "listen 80;": "listen 127.0.0.1:\(plain);",
                        "listen 443 ssl;": "listen 127.0.0.1:\(secure) ssl;",
                        "/etc/letsencrypt/live/sms.example.com/fullchain.pem": pair.certificate,
                        "/etc/letsencrypt/live/sms.example.com/privkey.pem": pair.key,
                        "http://127.0.0.1:8000": installation.baseURL,
                    ])
                let arguments = try nginx(site, in: installation.folder)
                let check = try ChildProcess(
                    "/usr/sbin/nginx", ["-t"] + arguments, environment: [:], logs: installation.folder + "/nginx-t")
                #expect(try await check.wait() == .exited(0), "\(check.errors)")
                let process = try ChildProcess(
                    "/usr/sbin/nginx", arguments, environment: [:], logs: installation.folder + "/nginx")
                defer { process.killNow() }
                let url = "https://127.0.0.1:\(secure)"

                let sms: JSONValue = [
                    "to": .text(Client.owner), "from": "+18005550100", "content": "Look",
                    "attachments": .array((0..<3).map { _ in picture }),
                ]
                let answer = try await eventually("nginx answers") {
                    if let end = process.end { throw TestFailure("nginx ended with \(end): \(process.errors)") }
                    return try await post(url + "/v1/messages/receive", sms, trusting: authority)
                }
                process.signal(SIGTERM)

                #expect(answer.status == 200)
                let attachments = answer.body["data"]["attachments"].elements.compactMap(\.text)
                #expect(attachments.count == 3)
                #expect(attachments.allSatisfy { $0.hasPrefix(url + "/v1/attachments/") }, "\(attachments)")
                #expect(try await process.wait() == .exited(0), "\(process.errors)")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func caddyTakesTheExampleOfTheDocumentation() async throws {
            try await withTemporaryDirectory { folder in
                let path = folder + "/Caddyfile"
                try example("Caddyfile", [:]).write(toFile: path, atomically: true, encoding: .utf8)
                let check = try ChildProcess(
                    "/usr/bin/caddy", ["validate", "--config", path, "--adapter", "caddyfile"],
                    environment: ["HOME": folder], logs: folder + "/caddy")

                #expect(try await check.wait() == .exited(0), "\(check.errors)")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func haproxyWithTheExampleOfTheDocumentationForwardsToTheServer() async throws {
            try await withInstallation(["TRUSTED_PROXIES": "127.0.0.1"]) { installation in
                let client = Client(installation: installation)
                try await client.setUp()
                let authority = try await TestAuthority(in: installation.folder)
                let pair = try await authority.issue()
                let both = installation.folder + "/both.pem"
                let text = try [pair.certificate, pair.key].map { try String(contentsOfFile: $0, encoding: .utf8) }
                try text.joined(separator: "\n").write(toFile: both, atomically: true, encoding: .utf8)
                let secure = try freePort()
                let path = installation.folder + "/haproxy.cfg"
                try example(
                    "haproxy.cfg",
                    [
                        "bind :80": "bind 127.0.0.1:\(try freePort())", "bind :443": "bind 127.0.0.1:\(secure)",
                        "/etc/haproxy/sms.example.com.pem": both,
                        "127.0.0.1:8000": String(installation.baseURL.dropFirst("http://".count)),
                    ]
                ).write(toFile: path, atomically: true, encoding: .utf8)
                let process = try ChildProcess(
                    "/usr/sbin/haproxy", ["-f", path], environment: [:], logs: installation.folder + "/haproxy")
                defer { process.killNow() }
                let url = "https://127.0.0.1:\(secure)"

                let sms: JSONValue = [
                    "to": .text(Client.owner), "from": "+18005550100", "content": "Look", "attachments": [picture],
                ]
                let answer = try await eventually("HAProxy answers") {
                    if let end = process.end { throw TestFailure("haproxy ended with \(end): \(process.errors)") }
                    let answer = try await post(url + "/v1/messages/receive", sms, trusting: authority)
                    // Its first look at the server is not over yet.
                    return answer?.status == 503 ? nil : answer
                }

                #expect(answer.status == 200, "\(answer.body)")
                let attachments = answer.body["data"]["attachments"].elements.compactMap(\.text)
                #expect(attachments.count == 1)
                #expect(attachments.allSatisfy { $0.hasPrefix(url + "/v1/attachments/") }, "\(attachments)")
            }
        }

        /// A picture of 1 MiB: three of them are more than nginx takes by default.
        private var picture: JSONValue {
            [
                "name": "a.jpg", "content_type": "image/jpeg",
                "content": .text(Data(repeating: 7, count: 1 << 20).base64EncodedString()),
            ]
        }

        /// An example of the documentation, with what only fits the real place replaced.
        private func example(_ name: String, _ changes: [String: String]) throws -> String {
            let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/examples")
            var text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
            for (from, to) in changes.sorted(by: { $0.key.count > $1.key.count }) {
                try #require(text.contains(from), "\(name) has no \(from)")
                text = text.replacing(from, with: to)
            }
            return text
        }

        /// Makes what stands around a site in nginx, and gives the arguments of nginx.
        private func nginx(_ site: String, in folder: String) throws -> [String] {
            try site.write(toFile: folder + "/site.conf", atomically: true, encoding: .utf8)
            let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \($0);" }
            try """
            daemon off;
            pid nginx.pid;
            worker_processes 1;
            events {}
            http { access_log off; \(temporary.joined(separator: " ")) include site.conf; }
            """.write(toFile: folder + "/nginx.conf", atomically: true, encoding: .utf8)
            return ["-p", folder, "-e", "stderr", "-c", folder + "/nginx.conf"]
        }

        /// Posts JSON; nil while there is no connection.
        private func post(
            _ url: String, _ body: JSONValue, trusting authority: TestAuthority
        ) async throws -> (status: Int, body: JSONValue)? {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .certificates([authority.certificate])
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: .init(tlsConfiguration: tls))
            var request = HTTPClientRequest(url: url)
            request.method = .POST
            request.headers.add(name: "x-api-key", value: Client.apiKey)
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(try JSONEncoder().encode(body))
            // No connection yet: asked again.
            let response = try? await client.execute(request, timeout: .seconds(20))
            let bytes = try await response?.body.collect(upTo: 1 << 22)
            try await client.shutdown()
            guard let response, let bytes else { return nil }
            let text = String(buffer: bytes)
            let json = (try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))) ?? .text(text)
            return (Int(response.status.code), json)
        }
    }
}

extension String {
    /// How many lines hold `words`.
    fileprivate func count(of words: String) -> Int {
        split(separator: "\n").count { $0.contains(words) }
    }
}
