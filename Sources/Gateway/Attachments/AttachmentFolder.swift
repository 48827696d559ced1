import Delivery
import Foundation
import NIOPosix
import Storage

/// The files of attachments: `<folder>/<first two digits of the token>/<token>`.
package struct AttachmentFolder: Sendable {
    private let folder: URL
    private let threads: NIOThreadPool

    /// The folder, and who waits for its disk.
    package init(_ folder: URL, threads: NIOThreadPool = .singleton) {
        self.folder = folder
        self.threads = threads
    }

    /// Writes files; they and their folder are on the disk when it returns.
    ///
    /// - Throws: `StorageError.unavailable` when a file cannot be written; none is left behind then.
    func write(_ files: [KeptAttachment]) async throws {
        if files.isEmpty { return }
        try await threads.runIfActive {
            do {
                for file in files { try write(file.data, file.attachment.token) }
            } catch {
                for file in files { try? FileManager.default.removeItem(at: path(file.attachment.token)) }
                throw StorageError.unavailable(
                    "attachments cannot be written to \(folder.path): \(error.localizedDescription)")
            }
        }
    }

    /// The bytes of a file; nil when it is gone.
    package func read(_ token: String) async throws -> Data? {
        // A file that cannot be read is one that is not there.
        try await threads.runIfActive { try? Data(contentsOf: path(token)) }
    }

    /// Deletes files; one that is not there is deleted already.
    func remove(_ tokens: [String]) async {
        if tokens.isEmpty { return }
        // What cannot be deleted now is an orphan, which the sweep looks for.
        try? await threads.runIfActive { for token in tokens { try? FileManager.default.removeItem(at: path(token)) } }
    }

    /// The tokens of the files in the part of the folder with this number, 0 to 255.
    func tokens(part: Int) async throws -> [String] {
        try await threads.runIfActive {
            let name = String(format: "%02x", part)
            // A part that cannot be read has no files yet.
            let files = try? FileManager.default.contentsOfDirectory(atPath: folder.appending(path: name).path)
            return (files ?? []).filter { $0.hasPrefix(name) && $0.wholeMatch(of: /[0-9a-f]{32}/) != nil }
        }
    }

    private func write(_ data: Data, _ token: String) throws {
        let file = path(token)
        let parent = file.deletingLastPathComponent()
        try FileManager.default.createDirectory(
            at: parent, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try data.write(to: file, options: .withoutOverwriting)
        for path in [file.path, parent.path, folder.path] where DurableFile.flush(path) != nil {
            throw CocoaError(.fileWriteUnknown)
        }
    }

    private func path(_ token: String) -> URL {
        folder.appending(path: String(token.prefix(2))).appending(path: token)
    }
}
