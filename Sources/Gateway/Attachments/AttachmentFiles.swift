import Delivery
import Foundation
import NIOPosix
import Storage

/// The files of attachments: `<folder>/<first two digits of the token>/<token>`.
struct AttachmentFiles: Sendable {
    private let folder: URL
    private let threads: NIOThreadPool

    init(folder: URL, threads: NIOThreadPool = .singleton) {
        self.folder = folder
        self.threads = threads
    }

    /// What was kept of a message's attachments.
    struct Kept: Sendable {
        let files: [StoredAttachment]
        /// Which were not, and why; nil when all were.
        let note: String?
    }

    /// Writes what the rules allow; file and folder are on the disk when it returns.
    ///
    /// - Throws: `StorageError.unavailable` when a file cannot be written; none is left behind then.
    func store(_ attachments: [InboundAttachment], of message: MessageID) async throws -> Kept {
        if attachments.isEmpty { return Kept(files: [], note: nil) }
        return try await threads.runIfActive { try write(attachments, of: message) }
    }

    /// The bytes of a file; nil when it is gone.
    func read(_ token: String) async throws -> Data? {
        // A file that cannot be read is one that is not there.
        try await threads.runIfActive { try? Data(contentsOf: path(token)) }
    }

    /// Deletes files; one that is not there is deleted already.
    func remove(_ tokens: [String]) async {
        if tokens.isEmpty { return }
        // What cannot be deleted now is an orphan on the disk and harms nobody.
        try? await threads.runIfActive { for token in tokens { try? FileManager.default.removeItem(at: path(token)) } }
    }

    private func write(_ attachments: [InboundAttachment], of message: MessageID) throws -> Kept {
        var files: [StoredAttachment] = []
        var notes: [String] = []
        if attachments.count > AttachmentRules.maximumCount {
            notes.append(
                "attachment count [\(attachments.count)] exceeds maximum of [\(AttachmentRules.maximumCount)]")
        }
        for (number, attachment) in attachments.prefix(AttachmentRules.maximumCount).enumerated() {
            let total = files.reduce(0) { $0 + $1.byteCount }
            switch AttachmentRules.decode(attachment, index: number, total: total) {
            case .failure(let skipped): notes.append(skipped.reason)
            case .success(let data):
                let token = (0..<2).map { _ in String(format: "%016llx", UInt64.random(in: .min ... .max)) }.joined()
                let type = attachment.contentType ?? ""
                do {
                    try write(data, token)
                } catch {
                    for file in files { try? FileManager.default.removeItem(at: path(file.token)) }
                    throw StorageError.unavailable(
                        "attachments cannot be written to \(folder.path): \(error.localizedDescription)")
                }
                files.append(
                    StoredAttachment(
                        messageID: message, index: files.count, token: token,
                        fileName: AttachmentRules.fileName(
                            attachment.name, index: files.count, token: token, contentType: type),
                        contentType: type, byteCount: data.count))
            }
        }
        return Kept(files: files, note: notes.isEmpty ? nil : notes.joined(separator: "; "))
    }

    private func write(_ data: Data, _ token: String) throws {
        let file = path(token)
        let parent = file.deletingLastPathComponent()
        try FileManager.default.createDirectory(
            at: parent, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try data.write(to: file, options: .withoutOverwriting)
        for path in [file.path, parent.path, folder.path] { try synchronize(path) }
    }

    /// Waits until what was written under `path` is on the disk.
    private func synchronize(_ path: String) throws {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { throw CocoaError(.fileReadUnknown) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    private func path(_ token: String) -> URL {
        folder.appending(path: String(token.prefix(2))).appending(path: token)
    }
}
