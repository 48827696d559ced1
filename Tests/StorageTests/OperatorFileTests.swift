import Foundation
import TestSupport
import Testing

@testable import Storage

/// Files that the operator names, and what may stand in their place.
struct OperatorFileTests {
    @Test func aSmallFileIsReadThroughALinkToo() async throws {
        try await withTemporaryDirectory { folder in
            let (path, link) = ("\(folder)/file", "\(folder)/link")
            try Data("content".utf8).write(to: URL(filePath: path))
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)

            #expect(try OperatorFile.contents(of: path) == Array("content".utf8))
            #expect(try OperatorFile.contents(of: link, atMost: 7) == Array("content".utf8))
            #expect(throws: OperatorFile.Unreadable.self) { try OperatorFile.contents(of: path, atMost: 6) }
        }
    }

    @Test func whatIsNoSmallFileIsNeitherWaitedForNorRead() async throws {
        try await withTemporaryDirectory { folder in
            let (pipe, large) = (try OddFiles.pipe(in: folder), try OddFiles.large(in: folder))
            for (path, words) in [
                (pipe, "is a folder, a pipe or a device"), (folder, "is a folder, a pipe or a device"),
                ("/dev/zero", "is a folder, a pipe or a device"),
                (large, "has more than 1 MiB"), (folder + "/none", "is not there"), (pipe + "/a", "is not there"),
            ] {
                let error = #expect(throws: OperatorFile.Unreadable.self) { try OperatorFile.contents(of: path) }
                #expect(error?.description.hasPrefix("names \(path), which \(words)") == true, "\(path)")
            }
        }
    }
}
