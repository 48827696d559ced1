import Foundation
import TestSupport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A PostgreSQL of a test's own that asks for TLS and SCRAM on 127.0.0.1, with the user `sms` and its password.
struct SecuredPostgres: Sendable {
    static let password = "p@ss/w:rd%"
    static let escapedPassword = "p%40ss%2Fw%3Ard%25"

    let port: Int
    /// What clients must trust.
    let authority: String
    /// An authority that did not issue the server's certificate.
    let otherAuthority: String
    private let folder: String

    /// `hosts` as in a URL, each with its port.
    func url(
        _ hosts: String? = nil, password: String = escapedPassword, authority: String? = nil, parameters: String = ""
    ) -> String {
        """
        postgresql://sms:\(password)@\(hosts ?? "127.0.0.1:\(port)")/postgres?sslmode=verify-full\
        &sslrootcert=\(authority ?? self.authority)\(parameters)
        """
    }

    /// What an operator's restart does.
    func restart() async throws {
        try await run("closed \"$bin/pg_ctl\" -D cluster -m fast -w -s -l server.log restart")
    }

    fileprivate init(in folder: String) async throws {
        self.folder = folder
        port = try Self.freePort()
        let trusted = try await TestAuthority(in: folder)
        let certificate = try await trusted.issue(for: "IP:127.0.0.1")
        authority = folder + "/trusted.pem"
        otherAuthority = folder + "/other.pem"
        let other = try await TestAuthority(in: folder)
        for (authority, path) in [(trusted, authority), (other, otherAuthority)] {
            try FileManager.default.copyItem(atPath: authority.certificatePath, toPath: path)
        }
        try FileManager.default.copyItem(atPath: certificate.certificate, toPath: folder + "/server.pem")
        try FileManager.default.copyItem(atPath: certificate.key, toPath: folder + "/server.key")
        chmod(folder, 0o755)
        chmod(folder + "/server.key", 0o600)
        if getuid() == 0 { try await run("chown postgres . server.key server.pem", asOwner: false) }
        try Self.password.write(toFile: folder + "/password", atomically: true, encoding: .utf8)
        try await run(
            """
            "$bin/initdb" -D cluster -U sms -A scram-sha-256 --pwfile password -E UTF8 --locale C --no-sync
            echo "hostssl all all 127.0.0.1/32 scram-sha-256" > cluster/pg_hba.conf
            cat >> cluster/postgresql.conf <<END
            port = \(port)
            listen_addresses = '127.0.0.1'
            unix_socket_directories = ''
            fsync = off
            ssl = on
            ssl_cert_file = '\(folder)/server.pem'
            ssl_key_file = '\(folder)/server.key'
            END
            closed "$bin/pg_ctl" -D cluster -w -s -l server.log start
            """)
    }

    fileprivate func stop() async {
        try? await run("\"$bin/pg_ctl\" -D cluster -m immediate -s stop")  // Never started: nothing to end.
    }

    /// Runs a script in the folder, as a user that PostgreSQL accepts.
    private func run(_ script: String, asOwner: Bool = true) async throws {
        let process = Process()
        let bash = ["/bin/bash", "-ec", Self.tools + script]
        let owner = ["/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
        let command = asOwner && getuid() == 0 ? owner + bash : bash
        process.executableURL = URL(filePath: command[0])
        process.arguments = Array(command.dropFirst())
        process.currentDirectoryURL = URL(filePath: folder)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let status = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        guard status == 0 else {
            let log = (try? String(contentsOfFile: folder + "/server.log", encoding: .utf8)) ?? "no log"
            throw Failure(description: "\(script): status \(status)\n\(log.suffix(2_000))")
        }
    }

    /// Foundation learns of the end of a process by a socket that the process hands down: no server may keep it.
    private static let tools = """
        bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
        closed() {
            (
                for file in /proc/$BASHPID/fd/*; do
                    if [ "${file##*/}" -gt 2 ]; then eval "exec ${file##*/}>&-"; fi
                done
                exec "$@"
            )
        }

        """

    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                _ = bind(descriptor, pointer, length)
                _ = getsockname(descriptor, pointer, &length)
                return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    Int($0.pointee.sin_port.bigEndian)
                }
            }
        }
    }
}

/// Runs `body` with such a server, and ends and deletes it afterwards.
func withSecuredPostgres(_ body: (SecuredPostgres) async throws -> Void) async throws {
    try await withTemporaryDirectory { folder in
        let server = try await SecuredPostgres(in: folder)
        do {
            try await body(server)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }
}
