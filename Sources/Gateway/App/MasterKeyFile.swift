import Delivery
import Foundation

/// The file that holds the master key when MASTER_KEY does not: `<database>.key`, 32 bytes in base64, mode 0600.
package struct MasterKeyFile: Sendable {
    /// Where it is.
    package let path: String

    /// The key file that belongs to the database at `databasePath`.
    package init(databasePath: String) {
        path = databasePath + ".key"
    }

    /// Reads 32 bytes in base64; nil for anything else.
    package static func decode(_ text: String) -> [UInt8]? {
        guard let data = Data(base64Encoded: text.trimmed), data.count == 32 else { return nil }
        return Array(data)
    }

    /// Reads the key; nil when there is no file.
    ///
    /// - Throws: ``MasterKeyFileError`` when the file cannot be read or does not hold a key.
    package func read() throws -> [UInt8]? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let text = try? String(contentsOfFile: path, encoding: .utf8), let key = Self.decode(text) else {
            throw MasterKeyFileError(
                description: "\(path) does not hold a master key, 32 bytes in base64: restore it from your backup")
        }
        return key
    }

    /// Makes a key and its file, which appears whole; when another process made one meanwhile, that one is taken.
    ///
    /// - Throws: ``MasterKeyFileError`` when the file cannot be written.
    package func create() throws -> [UInt8] {
        let key = (0..<32).map { _ in UInt8.random(in: .min ... .max) }
        let text = Data(key).base64EncodedString() + "\n"
        let draft = "\(path).\(getpid())"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure() }
        defer { unlink(draft) }
        defer { close(descriptor) }
        let written = text.withCString { write(descriptor, $0, strlen($0)) }
        guard written == text.utf8.count, fsync(descriptor) == 0 else { throw failure() }
        if link(draft, path) == 0 { return key }
        if errno == EEXIST, let existing = try read() { return existing }
        throw failure()
    }

    private func failure() -> MasterKeyFileError {
        MasterKeyFileError(description: "\(path) cannot be written: \(String(cString: strerror(errno)))")
    }
}

/// Why there is no master key, in words for the operator.
package struct MasterKeyFileError: Error, CustomStringConvertible {
    /// What is wrong and what to do.
    package let description: String
}
