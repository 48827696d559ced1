import Foundation
import Gateway
import Storage

extension Commands {
    /// Whether the folder of attachments takes files, and has those that the store names; nothing where there is no folder.
    ///
    /// - Throws: What the store throws.
    static func attachments(_ configuration: GatewayConfiguration, in store: any Store) async throws -> [Finding] {
        guard let path = configuration.filesFolder else { return [] }
        let folder = AttachmentFolder(URL(filePath: path))
        let sample = try await sample(of: store)
        if let trouble = folder.trouble(tries: true) { return [.problem("attachments", trouble)] }
        let missing: [String]
        do {
            missing = try await folder.missing(among: sample)
        } catch {
            return [.problem("attachments", "\(error)")]
        }
        if !missing.isEmpty {
            let text = "\(missing.count) of the \(sample.count) files looked at are not in \(path)"
            return [
                missing.count == sample.count
                    ? .problem("attachments", text + ": is its disk mounted? If it is, restore them from a backup")
                    : .warning("attachments", text + ": restore them from a backup")
            ]
        }
        let free = folder.freeBytes.map { $0 / 1_048_576 }
        let text = "\(path) takes files\(free.map { ", \($0) MiB are free" } ?? "")"
        // 1 GiB, as on the disk of the store.
        if let free, free < 1_024 { return [.warning("attachments", text + ": make room")] }
        return [.fine("attachments", text + "; of the store's, \(sample.count) were looked for and are there")]
    }

    /// At most 200 tokens of files, from anywhere: all where there are no more.
    private static func sample(of store: any Store) async throws -> [String] {
        let limit = 200
        let start = String(UInt64.random(in: .min ... .max), radix: 16)
        return try await store.read(.maintenance) { tx in
            let behind = try AttachmentQueries.tokens(after: start, limit: limit, in: tx)
            let rest = limit - behind.count
            // Around the end; what is there twice is looked for once.
            let before = try AttachmentQueries.tokens(after: "", limit: rest, in: tx)
            let tokens = behind + before
            let inDatabase = try AttachmentQueries.inDatabase(among: tokens, in: tx)
            return Set(tokens).subtracting(inDatabase).sorted()
        }
    }
}
