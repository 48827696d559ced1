import Foundation
import Logging
import NIOPosix
import Storage

/// Whose a folder of attachments is.
///
/// The file `store-id` in it holds a random id that is in the store, too. All nodes of a store have the id in common, and
/// so has a copy of its database; `httpsms restore` gives the restored store an id of its own. Nothing is deleted in a
/// folder that is not this store's, and no server starts on one:
///
/// | in the folder | whose it is |
/// |---|---|
/// | this store's id | this store's |
/// | another id | another store's |
/// | no id and no files | this store's as soon as a server starts; not while one runs, as the disk may be away |
/// | no id and no files, but this store names files | nobody knows: the disk is away, or they are lost |
/// | an empty `store-id` and no files | this store's: so its operator says that the files are lost for good |
/// | no id, and files of which this store names one at least | this store's, from a version that wrote no ids |
/// | no id, and files that this store does not name | nobody knows |
package struct AttachmentOwner: Sendable {
    /// What a look found.
    package enum Finding: Sendable, Equatable {
        /// This store's.
        case ours
        /// Nobody's yet: it is empty, or not there.
        case free
        /// It is empty, or not there, and this store names files that should be in it.
        case away
        /// It holds files, and nothing says whose they are.
        case unknown
        /// Another store's.
        case another
    }

    /// The file that names the owner.
    package let file: StoreIDFile
    private let folder: URL
    private let threads: NIOThreadPool

    /// So many files are looked at where there is no id. Of a folder of ours nearly every file has a row.
    private static let sample = 1_000
    /// Files in one look at the store.
    private static let batch = 100

    /// The folder, and who waits for its disk.
    package init(_ folder: URL, threads: NIOThreadPool = .singleton) {
        self.folder = folder
        self.threads = threads
        file = StoreIDFile(in: folder)
    }

    /// Whether files of attachments are in the folder. Blocks.
    ///
    /// - Throws: `StorageError.unavailable` when it cannot be read.
    package func hasFiles() throws -> Bool { try !tokens(limit: 1).isEmpty }

    /// Looks whose the folder is, and changes nothing.
    ///
    /// - Throws: `StorageError`.
    package func look(in store: any Store) async throws -> Finding { try await find(in: store).finding }

    /// Looks whose the folder is, and whether it says so itself.
    private func find(in store: any Store) async throws -> (finding: Finding, isNamed: Bool) {
        let id = try await store.read(.maintenance) { tx in try AttachmentQueries.storeID(in: tx) }
        let owner = try await threads.runIfActive { try file.id() }
        if let owner { return (owner == id ? .ours : .another, true) }
        let found = try await threads.runIfActive { try tokens(limit: Self.sample) }
        if found.isEmpty {
            if try await threads.runIfActive({ try file.isEmpty() }) { return (.ours, false) }
            let isAway = try await store.read(.maintenance) { tx in try AttachmentQueries.hasFiles(in: tx) }
            return (isAway ? .away : .free, false)
        }
        for start in stride(from: 0, to: found.count, by: Self.batch) {
            let some = Array(found[start..<min(start + Self.batch, found.count)])
            let known = try await store.read(.maintenance) { tx in
                try AttachmentQueries.known(among: some, in: tx)
            }
            if !known.isEmpty { return (.ours, false) }
        }
        return (.unknown, false)
    }

    /// Writes this store's id into a folder that is its own.
    ///
    /// - Parameters:
    ///   - store: This store.
    ///   - takesFree: Whether one that is nobody's yet is taken. Not once this server saw the folder: an empty one is what
    ///     is left where the disk is away.
    ///   - makesFolder: Whether a folder that is not there is made, to be taken. Only at the start: whoever moved it away for
    ///     a moment must be able to put it back.
    /// - Returns: Whose it is now.
    /// - Throws: `StorageError`.
    func settle(in store: any Store, takesFree: Bool = false, makesFolder: Bool = false) async throws -> Finding {
        let (finding, isNamed) = try await find(in: store)
        guard !isNamed, finding == .ours || (takesFree && finding == .free) else { return finding }
        let isFolder = try await threads.runIfActive { FileManager.default.fileExists(atPath: folder.path) }
        guard isFolder || makesFolder else { return finding }
        let id = try await store.write(.maintenance) { tx in try AttachmentQueries.ensureStoreID(in: tx) }
        try await threads.runIfActive { try file.write(id) }
        return .ours
    }

    /// Takes the folder for this store before a server works on it.
    ///
    /// A folder that cannot be reached, or whose files are not there, keeps no server from starting: the sweep looks again, and it
    /// takes no files until then.
    ///
    /// - Throws: `StorageError.unavailable` when the folder is not this store's; what the store throws.
    package func claim(in store: any Store, logger: Logger) async throws {
        // Also where the folder is away: by it the server knows the folder when it is there.
        _ = try await store.write(.maintenance) { tx in try AttachmentQueries.ensureStoreID(in: tx) }
        let finding: Finding
        do {
            finding = try await settle(in: store, takesFree: true, makesFolder: true)
        } catch {
            logger.warning(
                "nobody can say whose the folder of attachments is",
                metadata: ["folder": "\(folder.path)", "error": "\(error)"])
            return
        }
        guard let problem = problem(finding) else { return }
        guard finding == .away else { throw StorageError.unavailable(problem) }
        logger.error("the files of attachments are not there", metadata: ["reason": "\(problem)"])
    }

    /// What is wrong with a folder, and what to do; nil when nothing is.
    package func problem(_ finding: Finding) -> String? {
        switch finding {
        case .ours, .free: nil
        case .away:
            """
            the files that this store names are not in \(folder.path): mount its disk, or restore them from a backup. If they are \
            lost for good, create the folder with an empty file \(file.path) in it
            """
        case .another:
            """
            \(folder.path) holds the files of another store: set ATTACHMENTS_FOLDER to a folder of this store's own. If they \
            are this store's, because its database was put back by other means than `httpsms restore`, delete \(file.path)
            """
        case .unknown:
            """
            \(folder.path) holds files that this store does not name: move them away, or set ATTACHMENTS_FOLDER to a folder \
            of this store's own
            """
        }
    }

    /// The names of at most `limit` files.
    private func tokens(limit: Int) throws -> [String] {
        var found: [String] = []
        for part in try names(in: folder).sorted() where part.wholeMatch(of: /[0-9a-f]{2}/) != nil {
            let files = try names(in: folder.appending(path: part)).filter { AttachmentFolder.isFile($0, in: part) }
            found += files.prefix(limit - found.count)
            if found.count >= limit { break }
        }
        return found
    }

    private func names(in folder: URL) throws -> [String] {
        guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder.path)
        } catch {
            throw StorageError.unavailable("\(folder.path) cannot be read: \(error.localizedDescription)")
        }
    }
}
