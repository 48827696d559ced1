import Crypto
import Foundation
import Storage
import Wire

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A backup on the disk: a folder that appears when it is whole, with checksums that `sha256sum --check` reads.
struct BackupFolder: Sendable {
    /// What a backup holds, in `manifest.json`.
    struct Manifest: Codable, Equatable {
        /// The version of httpsms that made it.
        var version = ServerVersion.current
        /// `sqlite` or `postgresql`.
        var engine: String
        /// When it was begun, RFC 3339.
        var madeAt: String
        /// Files of attachments in it.
        var attachments = 0
        /// Files of attachments that were named in the store and not in the folder.
        var missingAttachments = 0
        /// Whether the master key is in it.
        var hasMasterKey = false
    }

    static let manifest = "manifest.json"
    static let sums = "SHA256SUMS"
    static let sqlite = "httpsms.sqlite"
    static let postgres = "httpsms.dump"
    static let key = "master.key"
    static let attachments = "attachments"

    /// Where it is.
    let url: URL

    init(_ path: String) {
        url = URL(filePath: path)
    }

    /// The file in it with this name.
    func file(_ name: String) -> URL { url.appending(path: name) }

    /// Makes a folder beside the final one, which only its user may read, for `body` to fill; then writes manifest and
    /// checksums and gives it its name. Its first name is no other run's, so that two at once do not write into one folder; the
    /// second to end finds the name taken.
    ///
    /// - Throws: ``BackupError`` when there is something already, and what `body` throws; nothing is left then.
    func fill(_ body: (BackupFolder) async throws -> Manifest) async throws -> Manifest {
        guard !FileManager.default.fileExists(atPath: url.path) else { throw isTaken }
        let draft = BackupFolder(url.path + Self.partial + String(UInt64.random(in: .min ... .max), radix: 16))
        do {
            try FileManager.default.createDirectory(
                at: draft.url.deletingLastPathComponent(), withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            try FileManager.default.createDirectory(
                at: draft.url, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            let manifest = try await body(draft)
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            try DurableFile.create(draft.file(Self.manifest), holding: try encoder.encode(manifest))
            try draft.writeSums()
            try DurableFile.synchronize(draft.url)
            try draft.publish(as: url)
            try DurableFile.synchronize(url.deletingLastPathComponent())
            return manifest
        } catch {
            try? FileManager.default.removeItem(at: draft.url)
            throw error
        }
    }

    /// Names of folders beside this one that runs left which were ended in the middle, or that others are filling now.
    func drafts() -> [String] {
        // A folder that cannot be read shows none; that it cannot be written either is said by ``fill(_:)``.
        let names = try? FileManager.default.contentsOfDirectory(atPath: url.deletingLastPathComponent().path)
        return (names ?? []).filter { $0.hasPrefix(url.lastPathComponent + Self.partial) }.sorted()
    }

    private static let partial = ".partial-"

    private var isTaken: BackupError { BackupError("\(url.path) is there already: name a folder that is not") }

    /// Gives the folder its name. The system moves a folder to where nothing is, or an empty folder, and never onto files.
    private func publish(as target: URL) throws {
        if rename(url.path, target.path) == 0 { return }
        let code = errno
        if [EEXIST, ENOTEMPTY, ENOTDIR].contains(code) { throw BackupFolder(target.path).isTaken }
        throw BackupError("\(target.path): \(DurableFile.words(code))")
    }

    /// Compares every file with its checksum.
    ///
    /// - Returns: What the backup says of itself.
    /// - Throws: ``BackupError`` when it is no backup, or a file is missing, unknown or not as it was.
    func verify() throws -> Manifest {
        guard let list = try? String(contentsOf: file(Self.sums), encoding: .utf8) else {
            throw BackupError("\(url.path) is no backup: it has no \(Self.sums)")
        }
        var known: Set<String> = []
        for line in list.split(separator: "\n") {
            guard let match = line.wholeMatch(of: /([0-9a-f]{64})  (.+)/) else {
                throw BackupError("\(Self.sums) has a line that is none of ours: \(line.prefix(80))")
            }
            let name = String(match.output.2)
            guard try Self.digest(file(name), named: name) == match.output.1 else {
                throw BackupError("\(name) is not as it was when the backup was made")
            }
            known.insert(name)
        }
        if let other = try names().first(where: { !known.contains($0) }) {
            throw BackupError("\(other) does not belong to the backup")
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard known.contains(Self.manifest),
            let manifest = try? decoder.decode(Manifest.self, from: Data(contentsOf: file(Self.manifest)))
        else { throw BackupError("\(Self.manifest) cannot be read") }
        return manifest
    }

    /// The paths of all files but the list itself, relative and in order.
    private func names() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: url.path).filter { name in
            var isFolder: ObjCBool = false
            return name != Self.sums
                && FileManager.default.fileExists(atPath: file(name).path, isDirectory: &isFolder)
                && !isFolder.boolValue
        }.sorted()
    }

    private func writeSums() throws {
        var list = ""
        for name in try names() { list += "\(try Self.digest(file(name), named: name))  \(name)\n" }
        try DurableFile.create(file(Self.sums), holding: Data(list.utf8))
        for name in try names() + [Self.sums] { try DurableFile.synchronize(file(name)) }
    }

    private static func digest(_ file: URL, named name: String) throws -> String {
        guard let handle = try? FileHandle(forReadingFrom: file) else { throw BackupError("\(name) cannot be read") }
        defer { try? handle.close() }
        var hash = SHA256()
        while let data = try handle.read(upToCount: 1 << 20), !data.isEmpty { hash.update(data: data) }
        return hash.finalize().hexadecimal
    }
}

/// Why there is no backup, or nothing was restored, in words for the operator.
struct BackupError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension DurableFile {
    /// Waits until a file, or the names in a folder, are on the disk.
    ///
    /// - Throws: ``BackupError``.
    static func synchronize(_ url: URL) throws {
        if let code = flush(url.path) { throw BackupError("\(url.path): \(DurableFile.words(code))") }
    }

    /// Writes a new file, which only its user may read whatever the umask says, and waits until it is on the disk.
    ///
    /// - Throws: ``BackupError``, also when something is there.
    static func create(_ url: URL, holding data: Data) throws {
        if let code = data.withUnsafeBytes({ create(url.path, holding: $0) }) {
            throw BackupError("\(url.path): \(DurableFile.words(code))")
        }
    }

    /// Copies what a file holds, whoever may read that one, into a new one as ``create(_:holding:)`` makes it.
    ///
    /// - Throws: ``BackupError`` when something is there, and what reading and writing throw.
    static func copy(_ source: URL, to target: URL) throws {
        let reader = try FileHandle(forReadingFrom: source)
        defer { try? reader.close() }
        try create(target, holding: Data())
        let writer = try FileHandle(forWritingTo: target)
        defer { try? writer.close() }
        while let data = try reader.read(upToCount: 1 << 20), !data.isEmpty { try writer.write(contentsOf: data) }
        try writer.synchronize()
    }
}
