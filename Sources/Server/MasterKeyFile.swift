import Delivery
import Foundation
import Glibc
import Secrets
import Storage
import Wire

/// The file that holds the master key when MASTER_KEY does not: `<database>.key`, 32 bytes in base64, mode 0600.
package struct MasterKeyFile: Sendable {
    /// Where it is.
    package let path: String

    /// The key file that belongs to the database at `databasePath`.
    package init(databasePath: String) {
        path = databasePath + ".key"
    }

    /// Reads the key, and behind it the one before while it is being rotated; nil when there is no file.
    ///
    /// - Throws: ``MasterKeyFileError`` when the file cannot be read or does not hold one key or two.
    package func read() throws -> [[UInt8]]? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let bytes: [UInt8]
        do throws(OperatorFile.Unreadable) {
            bytes = try OperatorFile.contents(of: path)
        } catch {
            throw MasterKeyFileError(description: "\(path) \(error.clause)")
        }
        // What is not text holds no key, either.
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        let keys = lines.compactMap { Keyring.masterKey(String($0).trimmed) }
        guard (1...2).contains(keys.count), keys.count == lines.count else {
            throw MasterKeyFileError(
                description: "\(path) does not hold a master key, 32 bytes in base64: restore it from your backup")
        }
        return keys
    }

    /// Makes a key and its file, which appears whole; when another process made one meanwhile, that one is taken.
    ///
    /// - Throws: ``MasterKeyFileError`` when the file cannot be written.
    package func create() throws -> [UInt8] {
        let key = Self.random()
        let draft = try write([key])
        defer { unlink(draft) }
        if link(draft, path) == 0 {
            try syncFolder()
            return key
        }
        if errno == EEXIST, let existing = try read()?.first { return existing }
        throw failure()
    }

    /// Puts a new key before the one that the file holds; of two processes at once, the second finds the first one's key.
    ///
    /// - Throws: ``MasterKeyFileError`` when the file cannot be written.
    package func addKey(before old: [UInt8]) throws {
        try locked { if try read() == [old] { try replace(by: [Self.random(), old]) } }
    }

    /// Leaves the first of two keys, and the other one in a file of its own beside it, whose path is given: backups from
    /// before need it. Where another run did so meanwhile, it is done; a run that was stopped for long may find a later rotation
    /// there, whose key it must not remove.
    ///
    /// - Throws: ``MasterKeyFileError`` when a file cannot be written, or the key file holds other keys by now; it stays as it is
    ///   then.
    package func retire(_ old: [UInt8], keeping new: [UInt8]) throws -> String {
        let kept = MasterKeyFile(path: "\(path).before-\(try Keyring(masterKey: new).identifier)")
        try locked {
            let keys = try read()
            if keys == [new] { return }
            guard keys == [new, old] else {
                throw MasterKeyFileError(
                    description:
                        "\(path) was changed meanwhile, by another rotation of the master key: it was left as it is")
            }
            try kept.replace(by: [old])
            try replace(by: [new])
        }
        return kept.path
    }

    private init(path: String) {
        self.path = path
    }

    private static func random() -> [UInt8] { (0..<32).map { _ in UInt8.random(in: .min ... .max) } }

    /// One process at a time looks at the file and replaces it.
    private func locked(_ change: () throws -> Void) throws {
        let folder = try openFolder()
        // Closing gives the lock back.
        defer { close(folder) }
        guard flock(folder, LOCK_EX) == 0 else { throw failure() }
        try change()
    }

    /// The file appears whole, or stays as it was.
    private func replace(by keys: [[UInt8]]) throws {
        let draft = try write(keys)
        guard rename(draft, path) == 0 else {
            unlink(draft)
            throw failure()
        }
        try syncFolder()
    }

    /// Makes the name of the file as durable as what is in it: a value sealed with a key must not outlive the key.
    private func syncFolder() throws {
        let folder = try openFolder()
        defer { close(folder) }
        if fsync(folder) != 0 { throw failure() }
    }

    private func openFolder() throws -> Int32 {
        let folder = path.contains("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) : "."
        let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure() }
        return descriptor
    }

    private func write(_ keys: [[UInt8]]) throws -> String {
        let text = keys.map { Data($0).base64EncodedString() + "\n" }.joined()
        let draft = "\(path).\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure() }
        defer { close(descriptor) }
        let written = text.withCString { Glibc.write(descriptor, $0, strlen($0)) }
        guard written == text.utf8.count, fsync(descriptor) == 0 else {
            unlink(draft)
            throw failure()
        }
        return draft
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
