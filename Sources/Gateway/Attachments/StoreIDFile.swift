import Foundation
import Storage

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file that holds the random id of a store, and nothing else.
package struct StoreIDFile: Sendable {
    /// Where it is.
    package let path: String

    /// The file at `path`, which need not be there.
    package init(_ path: String) {
        self.path = path
    }

    /// The file that names the owner of a folder of attachments.
    init(in folder: URL) {
        self.init(folder.appending(path: "store-id").path)
    }

    /// Draws an id: 128 random bits in hexadecimal.
    package static func draw() -> String {
        (0..<2).map { _ in String(format: "%016llx", UInt64.random(in: .min ... .max)) }.joined()
    }

    /// Reads the id. Blocks.
    ///
    /// - Returns: Nil when there is no such file, or something else is in it.
    /// - Throws: `StorageError.unavailable` when nobody can say whether there is one.
    package func id() throws -> String? {
        guard let text = try text()?.trimmingCharacters(in: .newlines) else { return nil }
        return text.wholeMatch(of: /[0-9a-f]{32}/) == nil ? nil : text
    }

    /// Whether there is such a file with nothing in it. Blocks.
    ///
    /// - Throws: `StorageError.unavailable` when nobody can say.
    func isEmpty() throws -> Bool { try text() == "" }

    /// The start of the file; nil when there is none.
    private func text() throws -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("read", errno)
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw failure("read", errno) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// Writes the file, which appears whole and is on the disk when this returns; makes its folder when that is missing.
    /// Blocks.
    ///
    /// - Throws: `StorageError.unavailable`.
    package func write(_ id: String) throws {
        let folder = URL(filePath: path).deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw StorageError.unavailable("\(path) cannot be written: \(error.localizedDescription)")
        }
        let draft = "\(path).\(String(UInt64.random(in: .min ... .max), radix: 16))"
        // Nothing is there once it has its name.
        defer { unlink(draft) }
        if let code = Data("\(id)\n".utf8).withUnsafeBytes({ DurableFile.create(draft, holding: $0) }) {
            throw failure("written", code)
        }
        guard rename(draft, path) == 0 else { throw failure("written", errno) }
        if let code = DurableFile.flush(folder.path) { throw failure("written", code) }
    }

    private func failure(_ verb: String, _ code: Int32) -> StorageError {
        .unavailable("\(path) cannot be \(verb): \(String(cString: strerror(code)))")
    }
}
