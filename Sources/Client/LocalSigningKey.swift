import Foundation
import Secrets
import Wire

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The key with which this machine signs what it forwards to a receiver in development. It is generated once, so that
/// the receiver can keep it: `httpsms/signing-key` in `XDG_CONFIG_HOME` or `~/.config`, readable by its owner only.
package enum LocalSigningKey {
    /// The key.
    ///
    /// - Throws: ``ClientFailure`` `usage` when the file cannot be read or written, or can be read by others.
    package static func key(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ClientFailure) -> String {
        let path = ClientSettings.file("signing-key", environment).path
        if let key = try read(path) { return key }
        let key = SigningKey.random()
        do {
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            let temporary = "\(path).\(UUID().uuidString)"
            defer { unlink(temporary) }
            guard
                FileManager.default.createFile(
                    atPath: temporary, contents: Data((key + "\n").utf8), attributes: [.posixPermissions: 0o600])
            else { throw CocoaError(.fileWriteUnknown) }
            // Of two commands that start at once, one gives the file its name; the other reads it.
            guard link(temporary, path) == 0 || errno == EEXIST else { throw CocoaError(.fileWriteUnknown) }
        } catch {
            throw ClientFailure(.usage, "\(path) cannot be written: give --signing-key or set HTTPSMS_SIGNING_KEY")
        }
        return try read(path) ?? key
    }

    private static func read(_ path: String) throws(ClientFailure) -> String? {
        guard let data = try PrivateFile.read(path) else { return nil }
        let key = String(decoding: data, as: UTF8.self).trimmed
        guard !key.isEmpty else { throw ClientFailure(.usage, "\(path) is empty: remove it") }
        return key
    }
}
