import Foundation
import TestSupport
import Testing

extension PhoneAppTests {
    /// `httpsms doctor --phone` through Debian's nginx, HAProxy and Caddy, set up rightly and wrongly.
    @Suite struct PhoneDoctor {
        /// A server, its authority, and a certificate for `127.0.0.1`.
        private struct Bench {
            let installation: Installation
            let authority: TestAuthority
            let port: Int

            var url: String { "https://127.0.0.1:\(port)" }

            func doctor(_ url: String? = nil, trusting: Bool = true) async throws -> Installation.Finished {
                let process = try installation.start(
                    ["doctor", "--phone", url ?? self.url]
                        + (trusting ? ["--cacert", authority.certificatePath] : []))
                return .init(
                    end: try await process.wait(), output: process.output, errors: process.errors)
            }

            /// Runs `body` beside a proxy that listens.
            func beside(_ command: String, _ arguments: [String], _ body: () async throws -> Void) async throws {
                let process = try ChildProcess(
                    command, arguments, environment: ["HOME": installation.folder, "PATH": "/usr/bin:/bin"],
                    logs: installation.folder + "/proxy")
                defer { process.killNow() }
                do {
                    try await until("the proxy listens") {
                        if let end = process.end { throw TestFailure("it ended with \(end): \(process.errors)") }
                        let found = try await installation.run(
                            "doctor", "--phone", url, "--cacert", authority.certificatePath)
                        return !found.output.contains("PROBLEM  port") && !found.output.contains("(status 503)")
                    }
                    try await body()
                } catch {
                    throw TestFailure("\(error)\nproxy: \(process.output)\(process.errors)")
                }
            }

            /// Runs `body` beside nginx with this in its `location` and with these files.
            func nginx(
                _ location: String, certificate: String, key: String, _ body: () async throws -> Void
            ) async throws {
                let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \($0);" }
                try """
                daemon off;
                pid nginx.pid;
                worker_processes 1;
                events {}
                http { access_log off; \(temporary.joined(separator: " "))
                server {
                listen 127.0.0.1:\(port) ssl;
                ssl_certificate \(certificate);
                ssl_certificate_key \(key);
                location / {
                proxy_http_version 1.1;
                proxy_set_header Connection "";
                proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                \(location)
                }}}
                """.write(toFile: installation.folder + "/nginx.conf", atomically: true, encoding: .utf8)
                let folder = installation.folder
                try await beside(
                    "/usr/sbin/nginx", ["-p", folder, "-e", "stderr", "-c", folder + "/nginx.conf"], body)
            }

            var pass: String { "proxy_pass \(installation.baseURL);" }
        }

        private func run(_ body: (Bench) async throws -> Void) async throws {
            try await withInstallation(["TRUSTED_PROXIES": "127.0.0.1"]) { installation in
                try await installation.serve()
                let authority = try await TestAuthority(in: installation.folder)
                try await body(Bench(installation: installation, authority: authority, port: try freePort()))
            }
        }

        private static let passed = [
            "ok       port: ", "ok       certificate: it is for 127.0.0.1, its chain is complete",
            "WARNING  authority: only phones that have your authority", "ok       path: ", "ok       client: ",
            "ok       clock: ", "ok       requests: a POST comes through",
            "ok       stream: what the server writes comes at once",
        ]

        @Test(.timeLimit(.minutes(15)))
        func aProxyThatIsSetUpRightlyPasses() async throws {
            try await run { bench in
                let pair = try await bench.authority.issue()
                try await bench.nginx(bench.pass, certificate: pair.certificate, key: pair.key) {
                    let found = try await bench.doctor()
                    #expect(found.end == .exited(0), "\(found.output)")
                    for line in Self.passed { #expect(found.output.contains(line), "\(line) in\n\(found.output)") }
                    let unknown = try await bench.doctor(trusting: false)
                    #expect(unknown.end == .exited(1))
                    #expect(unknown.output.contains("PROBLEM  certificate: its chain is incomplete, or its authority"))
                    #expect(!unknown.output.contains("path:"), "what comes after it was not looked at")
                }
            }
        }

        @Test(
            .timeLimit(.minutes(15)),
            arguments: [
                ("PASS proxy_ignore_headers X-Accel-Buffering;", "PROBLEM  stream: something holds it back"),
                (
                    "PASS gzip on; gzip_types text/event-stream; gzip_min_length 0; gzip_proxied any;",
                    "PROBLEM  stream: the proxy compresses it (gzip)"
                ),
                ("return 301 https://sms.example.com$request_uri;", "PROBLEM  redirect: "),
                ("return 200 'Welcome';", "does not lead to httpsms (status 200)"),
                ("PASS limit_except GET { deny all; }", "PROBLEM  requests: a POST is answered 403 before"),
                ("proxy_pass http://127.0.0.1:1;", "does not lead to httpsms (status 502)"),
            ])
        func aProxyThatStandsInTheWayIsNamed(location: String, finding: String) async throws {
            try await run { bench in
                let pair = try await bench.authority.issue()
                let location = location.replacing("PASS", with: bench.pass)
                try await bench.nginx(location, certificate: pair.certificate, key: pair.key) {
                    let found = try await bench.doctor()
                    #expect(found.end == .exited(1))
                    #expect(found.output.contains(finding), "\(found.output)")
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func aCertificateThatAndroidRefusesIsNamed() async throws {
            try await run { bench in
                let other = try await bench.authority.issue(for: "DNS:other.example.com")
                try await bench.nginx(bench.pass, certificate: other.certificate, key: other.key) {
                    let found = try await bench.doctor()
                    #expect(found.end == .exited(1))
                    #expect(
                        found.output.contains("certificate: it is for other names than 127.0.0.1"), "\(found.output)")
                }
                let folder = bench.installation.folder
                try await openssl(["-keyout", "self.key", "-out", "self.pem", Self.leaf], in: folder)
                try await bench.nginx(bench.pass, certificate: folder + "/self.pem", key: folder + "/self.key") {
                    let found = try await bench.doctor()
                    #expect(found.end == .exited(1))
                    #expect(found.output.contains("certificate: it is signed by itself"), "\(found.output)")
                }
            }
        }

        /// Browsers fetch what is missing in between; Android does not.
        @Test(.timeLimit(.minutes(15)))
        func aChainWithAGapIsNamed() async throws {
            try await run { bench in
                let folder = bench.installation.folder
                let root = bench.authority.certificatePath
                let rootKey = root.replacing("ca.pem", with: "ca.key")
                try await openssl(
                    ["-CA", root, "-CAkey", rootKey, "-keyout", "between.key", "-out", "between.pem", "CA:TRUE"],
                    in: folder)
                try await openssl(
                    [
                        "-CA", "between.pem", "-CAkey", "between.key", "-keyout", "leaf.key", "-out", "leaf.pem",
                        Self.leaf,
                    ],
                    in: folder)
                try await bench.nginx(bench.pass, certificate: folder + "/leaf.pem", key: folder + "/leaf.key") {
                    let found = try await bench.doctor()
                    #expect(found.end == .exited(1))
                    #expect(found.output.contains("certificate: its chain is incomplete"), "\(found.output)")
                }
                let chain = try ["leaf", "between"].map {
                    try String(contentsOfFile: "\(folder)/\($0).pem", encoding: .utf8)
                }
                try chain.joined().write(toFile: folder + "/full.pem", atomically: true, encoding: .utf8)
                try await bench.nginx(bench.pass, certificate: folder + "/full.pem", key: folder + "/leaf.key") {
                    let found = try await bench.doctor()
                    #expect(found.end == .exited(0), "\(found.output)")
                }
            }
        }

        /// What makes a certificate one of `127.0.0.1`.
        private static let leaf = "CA:FALSE"

        /// Makes a certificate; the last argument says whether it is an authority.
        private func openssl(_ arguments: [String], in folder: String) async throws {
            let kind = arguments.last ?? ""
            let process = try ChildProcess(
                "/usr/bin/env",
                ["-C", folder, "openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt"]
                    + ["ec_paramgen_curve:prime256v1", "-days", "30", "-subj", "/CN=\(arguments.joined().hashValue)"]
                    + arguments.dropLast() + ["-addext", "basicConstraints=critical,\(kind)"]
                    + (kind == Self.leaf ? ["-addext", "subjectAltName=IP:127.0.0.1"] : []),
                environment: ["PATH": "/usr/bin:/bin"], logs: folder + "/openssl")
            guard try await process.wait() == .exited(0) else { throw TestFailure("openssl: \(process.errors)") }
        }

        @Test(.timeLimit(.minutes(15)))
        func haproxyAndCaddyWithTheExamplesPass() async throws {
            try await run { bench in
                let pair = try await bench.authority.issue()
                let folder = bench.installation.folder
                let files = try [pair.certificate, pair.key].map { try String(contentsOfFile: $0, encoding: .utf8) }
                try files.joined(separator: "\n").write(
                    toFile: folder + "/both.pem", atomically: true, encoding: .utf8)
                let server = String(bench.installation.baseURL.dropFirst("http://".count))
                try Self.example("haproxy.cfg")
                    .replacing("bind :80", with: "bind 127.0.0.1:\(try freePort())")
                    .replacing("bind :443", with: "bind 127.0.0.1:\(bench.port)")
                    .replacing("/etc/haproxy/sms.example.com.pem", with: folder + "/both.pem")
                    .replacing("127.0.0.1:8000", with: server)
                    .write(toFile: folder + "/haproxy.cfg", atomically: true, encoding: .utf8)
                try await bench.beside("/usr/sbin/haproxy", ["-f", folder + "/haproxy.cfg"]) {
                    let found = try await bench.doctor()
                    #expect(found.end == .exited(0), "\(found.output)")
                    for line in Self.passed { #expect(found.output.contains(line), "\(line) in\n\(found.output)") }
                }

                let site = "https://127.0.0.1:\(bench.port)"
                let caddy = try Self.example("Caddyfile").replacing("127.0.0.1:8000", with: server)
                    .replacing("sms.example.com {", with: "\(site) {\n\ttls \(pair.certificate) \(pair.key)")
                try ("{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + caddy).write(
                    toFile: folder + "/Caddyfile", atomically: true, encoding: .utf8)
                try await bench.beside(
                    "/usr/bin/caddy", ["run", "--config", folder + "/Caddyfile", "--adapter", "caddyfile"]
                ) {
                    let found = try await bench.doctor()
                    #expect(found.end == .exited(0), "\(found.output)")
                    for line in Self.passed { #expect(found.output.contains(line), "\(line) in\n\(found.output)") }
                }
            }
        }

        @Test(
            .timeLimit(.minutes(15)),
            arguments: [
                (["--phone", "http://sms.example.com"], 1, "is plain HTTP, which the app refuses"),
                (["--phone", "https://nowhere.invalid"], 1, "PROBLEM  name: nowhere.invalid is not known"),
                (["--phone", "sms.example.com"], 2, "--phone must be the server's URL"),
                (["--phone", "https://a", "--cacert", "/dev/null"], 2, "--cacert"),
                (["--cacert", "x"], 2, "--cacert needs --phone"),
                (["--phone", "https://a", "--audit"], 2, "--phone does not go with"),
            ] as [([String], Int32, String)])
        func whatIsNoAddressIsSaid(arguments: [String], status: Int32, words: String) async throws {
            try await withInstallation { installation in
                let process = try installation.start(["doctor"] + arguments)
                #expect(try await process.wait() == .exited(status), "\(process.errors)")
                #expect((process.output + process.errors).contains(words), "\(process.output)\(process.errors)")
            }
        }

        private static func example(_ name: String) throws -> String {
            let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/examples")
            return try String(contentsOf: folder.appending(path: name), encoding: .utf8)
        }
    }
}
