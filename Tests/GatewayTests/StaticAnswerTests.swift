import Foundation
import TestSupport
import Testing

@testable import Gateway

/// What never changes: compressed for those who take it, and not sent twice to those who have it.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct StaticAnswerTests {
    @Test(arguments: [
        ("gzip", true), ("br, gzip;q=0.5", true), ("GZIP", true), ("x-gzip", true), ("", false), ("br", false),
        ("gzip;q=0", false), ("gzip; q=0.000", false), ("identity, *", false), ("gzipped", false),
        (";;;,,,q=,gzip;q=x", true),
    ])
    func acceptEncodingIsReadAsTheStandardSays(header: String, takes: Bool) {
        #expect(StaticAnswer.takesGzip(header) == takes)
    }

    @Test(arguments: [
        (#""a""#, #"W/"a""#, true), (#"W/"b", W/"a""#, #"W/"a""#, true), ("*", #"W/"a""#, true),
        (#"W/"b""#, #"W/"a""#, false), ("", #"W/"a""#, false), (",,", #"W/"a""#, false),
    ])
    func tagsAreComparedWeakly(list: String, tag: String, isNamed: Bool) {
        #expect(StaticAnswer.names(list, tag) == isNamed)
    }

    @Test(arguments: [0, 1, 1_000, 1 << 20])
    func anotherProgramReadsWhatIsCompressed(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) }
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).gz")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(try #require(Gzip.compressed(bytes))).write(to: file)

        let (gzip, output) = (Process(), Pipe())
        gzip.executableURL = URL(filePath: "/bin/gzip")
        gzip.arguments = ["-dc", file.path]
        gzip.standardOutput = output
        try gzip.run()
        let read = try output.fileHandleForReading.readToEnd() ?? Data()
        gzip.waitUntilExit()

        #expect(gzip.terminationStatus == 0 && Array(read) == bytes)
    }

    @Test(arguments: [
        "/docs", "/docs/webhooks", "/docs/api", "/docs/openapi.json", "/llms-full.txt", "/docs/style.css",
    ])
    func aPageIsSentCompressedOnceAndNotAgain(path: String) async throws {
        try await withServer { server in
            let whole = try await server.client.send("GET", path, headers: [("Accept-Encoding", "identity")])
            let tag = try #require(whole.header("ETag"))

            let compressed = try await server.client.send("GET", path, headers: [("Accept-Encoding", "gzip")])
            let again = try await server.client.send("GET", path, headers: [("If-None-Match", tag)])

            #expect(
                whole.header("Content-Encoding") == nil && whole.header("Vary")?.contains("Accept-Encoding") == true)
            #expect(compressed.header("Content-Encoding") == "gzip" && compressed.header("ETag") == tag)
            // The client has unpacked the body.
            #expect(compressed.body == whole.body)
            #expect(try #require(compressed.header("Content-Length").flatMap { Int($0) }) < whole.body.count / 2)
            #expect(again.status == 304 && again.body.isEmpty)
        }
    }

    @Test func nothingOfAnAccountIsCompressed() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()

            for path in ["/v1/users/me", "/sign-in", "/docs/search?q=key"] {
                let answer = try await account.client.send("GET", path, headers: [("Accept-Encoding", "gzip")])
                #expect(answer.status == 200 && answer.header("Content-Encoding") == nil, "\(path)")
            }
        }
    }
}
