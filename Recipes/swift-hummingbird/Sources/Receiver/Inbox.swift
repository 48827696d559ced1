import Foundation
import HTTPSMSWebhooks

/// Events as files: one is written before it is acknowledged and handled afterwards, so what a crash leaves behind is
/// handled after the next start. An empty file stays, so that an event that comes again is known.
///
/// An actor: the disk holds up one thread at most.
actor Inbox {
    private let folder: URL
    private let (waiting, accepted) = AsyncStream.makeStream(of: URL.self)

    /// Opens the inbox, and makes the folder if there is none.
    init(folder: URL) throws {
        self.folder = folder
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let files = try FileManager.default.contentsOfDirectory(
            at: folder, includingPropertiesForKeys: [.fileSizeKey], options: .skipsHiddenFiles)
        for file in files.sorted(by: { $0.path < $1.path })
        where try file.resourceValues(forKeys: [.fileSizeKey]).fileSize != 0 {
            accepted.yield(file)
        }
    }

    /// Stores an event; does nothing when its id is known.
    func store(_ body: Data, id: UUID) throws {
        let file = folder.appending(path: id.uuidString)
        guard !FileManager.default.fileExists(atPath: file.path) else { return }
        let draft = folder.appending(path: ".draft")
        try body.write(to: draft)
        let handle = try FileHandle(forUpdating: draft)
        try handle.synchronize()
        try handle.close()
        try FileManager.default.moveItem(at: draft, to: file)  // complete from the moment it has its name
        accepted.yield(file)
    }

    /// Handles events one after the other until the task is cancelled.
    func work(_ handle: (CloudEvent) throws -> Void) async {
        for await file in waiting {
            do {
                try handle(CloudEvent(decoding: Data(contentsOf: file)))
                try Data().write(to: file)
            } catch {  // the file stays as it is: the next start tries again
                try? FileHandle.standardError.write(contentsOf: Data("\(file.path): \(error)\n".utf8))
            }
        }
    }
}
