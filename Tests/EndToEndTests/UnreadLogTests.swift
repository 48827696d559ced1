import NIOHTTP1
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension EndToEndTests {
    /// A server whose standard error leads to nobody.
    @Suite struct UnreadLog {
        @Test(.timeLimit(.minutes(15)))
        func aReaderWhoLeftBeforeTheStartIsNotMissed() async throws {
            try await expectServer(loggingTo: "exec 3> >(exit); wait $!")
        }

        @Test(.timeLimit(.minutes(15)))
        func aReaderWhoNeverReadsIsNotWaitedFor() async throws {
            // The pipe is full before the server writes its first line.
            try await expectServer(
                loggingTo: """
                    mkfifo "$TMPDIR/log"; exec 3<> "$TMPDIR/log"
                    dd if=/dev/zero of="$TMPDIR/log" oflag=nonblock bs=1k count=1024
                    """)
        }

        /// Starts a server whose standard error is what `script` makes descriptor 3, waits until it is ready, and ends it.
        private func expectServer(loggingTo script: String) async throws {
            try await withInstallation { installation in
                let port = try freePort()
                let server = try ChildProcess(
                    "/bin/bash", ["-c", "\(script)\nexec '\(Installation.binary)' serve --port \(port) 2>&3"],
                    environment: installation.environment, logs: installation.folder + "/server")
                defer { server.killNow() }
                try await until("the server is ready") {
                    if let end = server.end { throw TestFailure("the server ended with \(end)") }
                    // Not yet: asked again.
                    let answer = try? await Client.send(.GET, "http://127.0.0.1:\(port)/health/ready")
                    return answer?.status == 200
                }

                server.signal(SIGTERM)

                #expect(try await server.wait(within: .seconds(10)) == .exited(0))
            }
        }
    }
}
