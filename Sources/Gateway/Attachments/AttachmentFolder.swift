import Delivery
import Foundation
import NIOPosix
import Storage

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The files of attachments: `<folder>/<first two digits of the token>/<token>`.
package struct AttachmentFolder: Sendable {
    let folder: URL
    let health = AttachmentFolderHealth()
    /// The id that is in the folder of the store; nil where whatever is at the path is taken for it.
    let storeID: String?
    private let threads: NIOThreadPool

    /// The folder, the id of the store that it has to be of, and who waits for its disk.
    package init(_ folder: URL, of storeID: String? = nil, threads: NIOThreadPool = .singleton) {
        self.folder = folder
        self.storeID = storeID
        self.threads = threads
    }

    /// Writes files; they and their folder are on the disk when it returns.
    ///
    /// - Throws: `StorageError.unavailable` when a file cannot be written; none is left behind then.
    func write(_ files: [KeptAttachment]) async throws {
        if files.isEmpty { return }
        try await threads.runIfActive {
            do {
                try checkIsThere()
                for file in files { try write(file.data, file.attachment.token) }
                // Its disk may have gone in between, and the files be where nobody looks for them.
                try checkIsThere()
            } catch {
                for file in files { try? FileManager.default.removeItem(at: path(file.attachment.token)) }
                let failure = unwritable(error)
                health.failed(failure.description)
                throw failure
            }
            health.succeeded()
        }
    }

    /// Gives files that are missing the bytes of others, which lose their own names; what is there stays as it is.
    ///
    /// - Parameter files: The tokens of files that are there and of those that may be missing.
    /// - Throws: `StorageError.unavailable` when the folder cannot be read or written.
    func supply(_ files: [(from: String, to: String)]) async throws {
        if files.isEmpty { return }
        try await threads.runIfActive {
            for (from, to) in files {
                guard try isMissing(to) else { continue }
                do {
                    try makePart(of: to)
                    guard rename(path(from).path, path(to).path) == 0 else { throw SystemFailure(code: errno) }
                    try flush(path(to).deletingLastPathComponent())
                } catch {
                    throw unwritable(error)
                }
            }
        }
    }

    /// The bytes of a file; nil when it is gone from a folder that is there.
    ///
    /// - Throws: `StorageError.unavailable` when nobody can tell: the folder is not there, or the file cannot be read.
    package func read(_ token: String) async throws -> Data? {
        try await threads.runIfActive {
            let descriptor = open(path(token).path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                try checkAbsence(SystemFailure(code: errno))
                return nil
            }
            let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
            do { return try handle.readToEnd() ?? Data() } catch { throw unreadable(error) }
        }
    }

    /// Those of `tokens` that have no file.
    ///
    /// - Throws: `StorageError.unavailable` as ``read(_:)``.
    package func missing(among tokens: [String]) async throws -> [String] {
        try await threads.runIfActive { try tokens.filter(isMissing) }
    }

    /// Deletes files; one that is not there is deleted already.
    func remove(_ tokens: [String]) async {
        if tokens.isEmpty { return }
        // What cannot be deleted now is an orphan, which the sweep looks for.
        try? await threads.runIfActive {
            try checkIsThere()
            for token in tokens { try? FileManager.default.removeItem(at: path(token)) }
        }
    }

    /// The parts that the folder has, `00` to `ff`; none when it cannot be read.
    func parts() async throws -> [String] {
        try await threads.runIfActive {
            let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
            return (names ?? []).filter { $0.wholeMatch(of: /[0-9a-f]{2}/) != nil }.sorted()
        }
    }

    /// The tokens of the files in one of ``parts()``; none when it cannot be read.
    func tokens(in part: String) async throws -> [String] {
        try await threads.runIfActive {
            let files = try? FileManager.default.contentsOfDirectory(atPath: folder.appending(path: part).path)
            return (files ?? []).filter { Self.isFile($0, in: part) }
        }
    }

    /// Whether what has this name in the folder of a part is a file of an attachment, and not what somebody else put there.
    static func isFile(_ name: String, in part: String) -> Bool {
        name.hasPrefix(part) && name.wholeMatch(of: /[0-9a-f]{32}/) != nil
    }

    /// Runs work that waits for the disk, and does not wait for it.
    func onThread(_ work: @escaping @Sendable () -> Void) {
        threads.submit { _ in work() }
    }

    private func isMissing(_ token: String) throws -> Bool {
        guard let code = DurableFile.absence(of: path(token).path) else { return false }
        try checkAbsence(SystemFailure(code: code))
        return true
    }

    /// Returns when a file is not there; throws when that is not what `failure` says, or the whole folder is away.
    private func checkAbsence(_ failure: SystemFailure) throws {
        guard failure.code == ENOENT else { throw unreadable(failure) }
        do { try checkIsThere() } catch { throw unreadable(error) }
    }

    private func write(_ data: Data, _ token: String) throws {
        let file = path(token)
        try makePart(of: token)
        if let code = data.withUnsafeBytes({ DurableFile.create(file.path, holding: $0) }) {
            throw SystemFailure(code: code)
        }
        try flush(file.deletingLastPathComponent())
    }

    private func makePart(of token: String) throws {
        // Never the folder itself: where its disk is away, it would be made on the one below.
        let part = path(token).deletingLastPathComponent().path
        if mkdir(part, 0o700) == 0 { return }
        let code = errno
        if code != EEXIST { throw SystemFailure(code: code) }
    }

    /// Waits until the names of new files in a part of the folder are on the disk.
    private func flush(_ part: URL) throws {
        for path in [part.path, folder.path] {
            if let code = DurableFile.flush(path) { throw SystemFailure(code: code) }
        }
    }

    func unwritable(_ error: any Error) -> StorageError {
        .unavailable("attachments cannot be written to \(folder.path): \(SystemFailure.words(of: error))")
    }

    private func unreadable(_ error: any Error) -> StorageError {
        .unavailable("attachments cannot be read from \(folder.path): \(SystemFailure.words(of: error))")
    }

    private func path(_ token: String) -> URL {
        folder.appending(path: String(token.prefix(2))).appending(path: token)
    }
}

/// What the system says of a file.
struct SystemFailure: Error {
    let code: Int32

    /// What went wrong with a file, in the system's words where it has some: Foundation's name a domain and a number.
    static func words(of error: any Error) -> String {
        if let failure = error as? SystemFailure { return DurableFile.words(failure.code) }
        if let failure = error as? StorageError { return failure.description }
        let system = (error as? CocoaError)?.underlying as? POSIXError
        return system.map { DurableFile.words($0.code.rawValue) } ?? error.localizedDescription
    }
}
