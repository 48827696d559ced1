import Delivery
import Foundation
import Storage

/// Where the bytes of attachments are kept.
///
/// What was kept in the database is found there whatever is configured now, and so is what a message takes along when it
/// is deleted: a store may hold both.
enum AttachmentStorage: Sendable {
    /// In files, flushed before the transaction that names them; of many nodes all share the folder.
    case folder(AttachmentFolder)
    /// In rows, written with the message and deleted with it.
    case database

    /// Writes what must be durable before the transaction.
    ///
    /// - Throws: `StorageError.unavailable` when a file cannot be written; none is left behind then.
    func prepare(_ files: [KeptAttachment]) async throws {
        if case .folder(let folder) = self { try await folder.write(files) }
    }

    /// Writes the rows of `files` with their message.
    func insert(_ files: [KeptAttachment], userID: UserID, in tx: any Transaction) throws {
        for file in files {
            try AttachmentQueries.insert(file.attachment, userID: userID, in: tx)
            if case .database = self {
                try AttachmentQueries.insertContent(file.data, token: file.attachment.token, in: tx)
            }
        }
    }

    /// Gives `message` those of its files that are missing from the folder, from `files`, which a repetition of it brought: the
    /// answer to a COMMIT may be lost, and nobody knows then whether its files are needed.
    ///
    /// - Throws: `StorageError`, as then nobody knows whether all are there.
    func supply(_ files: [KeptAttachment], to message: Message, in store: any Store) async throws {
        guard case .folder(let folder) = self, !files.isEmpty, !message.attachments.isEmpty else { return }
        let known = try await store.read(.user(message.userID)) { tx in
            try AttachmentQueries.files(of: message.id, in: tx)
        }
        try await folder.supply(
            files.compactMap { file in
                // Another number of bytes is another file.
                guard let stored = known[file.attachment.index], stored.byteCount == file.data.count else { return nil }
                return (from: file.attachment.token, to: stored.token)
            })
    }

    /// Takes back what ``prepare(_:)`` wrote for a transaction that did not need it: one of which it is known.
    func abandon(_ files: [KeptAttachment]) async {
        if case .folder(let folder) = self { await folder.remove(files.map(\.attachment.token)) }
    }

    /// The bytes of a file that the database does not hold; nil when they are gone.
    func readFile(_ token: String) async throws -> Data? {
        switch self {
        case .folder(let folder): try await folder.read(token)
        case .database: nil
        }
    }
}

/// An attachment that the rules allow, with its bytes.
struct KeptAttachment: Sendable {
    let attachment: StoredAttachment
    let data: Data
}
