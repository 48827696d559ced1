import Foundation
import Testing

/// Every parser over its corpus: what is well-formed, what is hostile, and each input that was once a fault.
@Suite(.timeLimit(.minutes(15))) struct CorpusTests {
    @Test(arguments: FuzzTarget.all.map(\.name))
    func theCorpusIsReadWithoutAFault(name: String) async throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let files = try FileManager.default.contentsOfDirectory(
            at: Self.folder.appending(path: name), includingPropertiesForKeys: nil)
        #expect(!files.isEmpty, "Tests/Corpus/\(name) has no file to begin with")
        try await target.run([])
        for file in files.sorted(by: { $0.path < $1.path }) {
            let bytes = Array(try Data(contentsOf: file))
            do {
                try await target.run(bytes)
            } catch {
                Issue.record("Tests/Corpus/\(name)/\(file.lastPathComponent): \(error)")
            }
        }
    }

    @Test
    func eachTargetHasANameOfItsOwnAndEachFolderATarget() throws {
        let names = FuzzTarget.all.map(\.name)

        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)

        #expect(Set(names).count == names.count)
        #expect(Set(folders).subtracting(names) == [])
    }

    @Test
    func aBrokenPromiseIsAFault() {
        #expect(throws: Violation.self) { try hold(1 > 2, "one is more than two") }
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Corpus")
}
