import Foundation
import TestSupport
import Testing

extension EndToEndTests {
    /// What systemd hears of the server.
    @Suite struct ServiceManagerTests {
        @Test(.timeLimit(.minutes(15)), arguments: [false, true])
        func systemdHearsOfReadinessLifeAndTheEnd(isAbstract: Bool) async throws {
            try await withInstallation { installation in
                let name = "/tmp/httpsms-\(UUID().uuidString.prefix(8))"
                defer { unlink(name) }
                let manager = try Manager(name, isAbstract: isAbstract)
                defer { close(manager.descriptor) }
                let process = try installation.start(
                    ["serve"],
                    settings: ["NOTIFY_SOCKET": (isAbstract ? "@" : "") + name, "WATCHDOG_USEC": "200000"])
                var heard: [String] = []

                try await until("it lives") {
                    heard += manager.take()
                    return heard.count { $0 == "WATCHDOG=1" } >= 3 || process.end != nil
                }
                process.signal(SIGTERM)
                #expect(try await process.wait() == .exited(0), "\(process.errors)")
                heard += manager.take()

                #expect(heard.first == "READY=1")
                #expect(heard.contains("STOPPING=1"))
            }
        }
    }
}

/// A datagram socket as systemd has it.
private struct Manager {
    let descriptor: Int32

    init(_ name: String, isAbstract: Bool) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = (isAbstract ? [0] : []) + Array(name.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(2 + bytes.count + (isAbstract ? 0 : 1))
        let descriptor = descriptor
        let status = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard status == 0 else { throw TestFailure("cannot bind \(name): \(errno)") }
    }

    /// What came since the last call.
    func take() -> [String] {
        var all: [String] = []
        while true {
            var bytes = [UInt8](repeating: 0, count: 4_096)
            let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            guard count > 0 else { return all }
            all.append(String(decoding: bytes.prefix(count), as: UTF8.self))
        }
    }
}
