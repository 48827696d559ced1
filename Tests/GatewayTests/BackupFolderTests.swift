import Foundation
import TestSupport
import Testing

@testable import Server

/// The folder of a backup: whole, or not there.
@Suite(.timeLimit(.minutes(15))) struct BackupFolderTests {
    private static func fill(_ folder: BackupFolder, with text: String) throws -> BackupFolder.Manifest {
        try Data(text.utf8).write(to: folder.file(BackupFolder.sqlite))
        return BackupFolder.Manifest(engine: "sqlite", madeAt: "2026-07-22T10:15:29Z")
    }

    @Test func ofTwoBackupsToOneFolderTheFirstToEndIsWholeAndTheOtherFails() async throws {
        try await withTemporaryDirectory { directory in
            let folder = BackupFolder(directory + "/backup")

            let error = await #expect(throws: BackupError.self) {
                _ = try await folder.fill { draft in
                    let manifest = try Self.fill(draft, with: "first to begin")
                    _ = try await folder.fill { try Self.fill($0, with: "first to end") }
                    return manifest
                }
            }

            #expect(error?.description.contains("is there already") == true)
            _ = try folder.verify()
            #expect(try String(contentsOf: folder.file(BackupFolder.sqlite), encoding: .utf8) == "first to end")
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["backup"])
        }
    }

    @Test func whatAnEndedBackupLeftIsNamed() async throws {
        try await withTemporaryDirectory { directory in
            for name in ["backup.partial-1f", "backup", "other.partial-2"] {
                try FileManager.default.createDirectory(
                    atPath: "\(directory)/\(name)", withIntermediateDirectories: false)
            }

            #expect(BackupFolder(directory + "/backup").drafts() == ["backup.partial-1f"])
        }
    }
}
