import Foundation
import Storage
import TestSupport
import Testing

/// Attachments of inbound SMS: kept on disk, served to whoever knows the URL, gone with the SMS.
@Suite(.timeLimit(.minutes(15))) struct AttachmentTests {
    private static func attachment(
        _ name: String = "photo.jpg", _ type: String = "image/jpeg", bytes: [UInt8] = [1, 2, 3]
    ) -> JSON {
        [
            "name": .string(name), "content_type": .string(type),
            "content": .string(Data(bytes).base64EncodedString()),
        ]
    }

    private static func mms(_ attachments: [JSON], content: JSON = "Look") -> JSON {
        ["from": "+18005550100", "content": content, "attachments": .array(attachments)]
    }

    /// Where the files of a server are when nothing else is said: with SQLite in a folder, with PostgreSQL in the database.
    private static func files(of server: TestServer) async throws -> Int {
        let found = FileManager.default.enumerator(atPath: folder(of: server))?.allObjects as? [String] ?? []
        let rows = try await server.store.read { try $0.rows("SELECT token FROM attachment_content").count }
        return found.count { $0.contains("/") } + rows
    }

    private static func folder(of server: TestServer) -> String { server.databasePath + ".attachments" }

    @Test func aFileIsServedToWhoeverKnowsItsURL() async throws {
        try await withServer { server in
            let account = try await server.makeAccount(id: "XtABz6zdeFMoBLoltz6SREDvRSh2")
            let phone = try await account.makePhone()
            let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 * 7) }

            let answer = try await phone.receive(Self.mms([Self.attachment("my photo.jpg", bytes: bytes)]))

            let (id, url) = (answer.data["id"].string, answer.data["attachments"][0].string)
            let prefix = "\(server.baseURL)/v1/attachments/\(account.id)/\(id)/0/my-photo-"
            #expect(url.hasPrefix(prefix))
            #expect(url.dropFirst(prefix.count).wholeMatch(of: /[0-9a-f]{32}\.jpg/) != nil)
            let file = try await server.client.get(String(url.dropFirst(server.baseURL.count)))
            #expect(file.status == 200)
            #expect(file.body == bytes)
            #expect(file.header("Content-Type") == "image/jpeg")
            #expect(file.header("Content-Disposition") == "attachment")
            #expect(file.header("X-Content-Type-Options") == "nosniff")
            #expect(try await account.message(id) == answer.data)
            #expect(answer.data["failure_reason"] == .null)
        }
    }

    @Test func aURLThatIsNotExactlyRightFindsNothing() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let answer = try await account.makePhone().receive(Self.mms([Self.attachment()]))
            let path = answer.data["attachments"][0].string.dropFirst(server.baseURL.count)
            let parts = path.split(separator: "/").map(String.init)
            try #require(parts.count == 6)
            let table: [(part: Int, value: String)] = [
                (2, "someone"), (3, unknownID), (3, "nonsense"), (4, "1"), (4, "x"), (4, "-1"), (5, "photo.jpg"),
                (5, parts[5].uppercased()), (5, "..%2f..%2fhttpsms.sqlite"),
            ]
            for row in table {
                var other = parts
                other[row.part] = row.value
                let refused = try await server.client.get("/" + other.joined(separator: "/"))

                #expect(refused.status == 404, "\(row)")
                #expect(refused.json == Envelope.error("attachment not found"), "\(row)")
            }
        }
    }

    @Test func whatCannotBeKeptIsSkippedAndNotedAndTheSMSIsKept() async throws {
        let tooLarge = [UInt8](repeating: 0, count: 1_572_865)
        let large = [UInt8](repeating: 0, count: 1_572_864)
        let table: [(attachments: [JSON], kept: Int, note: JSON)] = [
            (
                [Self.attachment("a.exe", "application/x-msdownload")], 1,
                "attachment [0] of type [application/x-msdownload] is kept as [application/octet-stream]"
            ),
            ([Self.attachment("a.jpg", "IMAGE/JPEG; charset=x")], 1, .null),
            (
                [["name": "a.jpg", "content_type": "image/jpeg", "content": "%%%"]], 0,
                "attachment [0] has invalid base64 content"
            ),
            ([["name": "a.jpg", "content_type": "image/jpeg"]], 0, "attachment [0] has invalid base64 content"),
            ([[:], Self.attachment()], 1, "attachment [0] has invalid base64 content"),
            (
                [.null, "text", Self.attachment()], 1,
                .string((0...1).map { "attachment [\($0)] has invalid base64 content" }.joined(separator: "; "))
            ),
            (
                [Self.attachment(bytes: tooLarge)], 0,
                "attachment [0] size [1572865] exceeds maximum of [1572864] bytes"
            ),
            ([Self.attachment(bytes: large), Self.attachment(bytes: large)], 2, .null),
            (
                [Self.attachment(bytes: large), Self.attachment(bytes: large), Self.attachment()], 2,
                "total attachment size [3145731] exceeds maximum of [3145728] bytes"
            ),
            (Array(repeating: Self.attachment(), count: 10), 10, .null),
            (Array(repeating: Self.attachment(), count: 11), 10, "attachment count [11] exceeds maximum of [10]"),
            (
                [Self.attachment("a", "text/plain"), Self.attachment("b", "text/html")], 2,
                """
                attachment [0] of type [text/plain] is kept as [application/octet-stream]; \
                attachment [1] of type [text/html] is kept as [application/octet-stream]
                """
            ),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            var files = 0
            for row in table {
                let answer = try await phone.receive(Self.mms(row.attachments, content: ""))
                files += row.kept

                #expect(answer.status == 200, "\(row.note) \(answer.status)")
                #expect(answer.data["attachments"].array.count == row.kept, "\(row.note)")
                #expect(answer.data["failure_reason"] == row.note)
                #expect(try await Self.files(of: server) == files)
            }
        }
    }

    /// Whatever a file says of itself, no browser runs it.
    @Test func aFileOfAnotherTypeIsServedAsBytes() async throws {
        try await withServer { server in
            let phone = try await server.makeAccount().makePhone()

            let answer = try await phone.receive(
                Self.mms([Self.attachment("page.html", "text/html", bytes: Array("<script>".utf8))]))

            let path = answer.data["attachments"][0].string.dropFirst(server.baseURL.count)
            #expect(path.hasSuffix(".bin"))
            let file = try await server.client.get(String(path))
            #expect(file.status == 200)
            #expect(file.text == "<script>")
            #expect(file.header("Content-Type") == "application/octet-stream")
        }
    }

    @Test func aRepeatedSMSLeavesNoSecondFile() async throws {
        try await withServer { server in
            let phone = try await server.makeAccount().makePhone()
            let mms = Self.mms([Self.attachment()]).with(["timestamp": "2026-07-22T10:15:29Z"])
            let first = try await phone.receive(mms)

            let again = try await phone.receive(mms)

            #expect(again.text == first.text)
            #expect(try await Self.files(of: server) == 1)
        }
    }

    @Test func aDeletedSMSTakesItsFilesAlong() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let data = try await account.makePhone().receive(Self.mms([Self.attachment(), Self.attachment()])).data
            let path = data["attachments"][1].string.dropFirst(server.baseURL.count)
            #expect(try await Self.files(of: server) == 2)

            #expect(try await account.client.delete("/v1/messages/\(data["id"].string)").status == 204)

            #expect(try await server.client.get(String(path)).status == 404)
            _ = try await eventually("the files are deleted") { try await Self.files(of: server) == 0 ? true : nil }
        }
    }

    /// `folder` is what ATTACHMENTS_FOLDER says.
    @Test(arguments: [false, true])
    func withPostgresFilesAreInTheDatabaseUnlessThereIsAFolder(hasFolder: Bool) async throws {
        try await withTemporaryDirectory { directory in
            try await withPostgresURL { url in
                let key = Data(repeating: 7, count: 32).base64EncodedString()
                var settings = ["DATABASE_URL": url, "MASTER_KEY": key]
                if hasFolder { settings["ATTACHMENTS_FOLDER"] = directory + "/shared" }
                try await withServer(settings, in: directory) { server in
                    let account = try await server.makeAccount()
                    let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
                    let data = try await account.makePhone().receive(Self.mms([Self.attachment(bytes: bytes)])).data
                    let path = String(data["attachments"][0].string.dropFirst(server.baseURL.count))

                    #expect(try await server.client.get(path).body == bytes)
                    let rows = try await server.store.read { try $0.rows("SELECT token FROM attachment_content").count }
                    #expect(rows == (hasFolder ? 0 : 1))
                    #expect(FileManager.default.fileExists(atPath: directory + "/shared") == hasFolder)

                    #expect(try await account.client.delete("/v1/messages/\(data["id"].string)").status == 204)
                    #expect(try await server.client.get(path).status == 404)
                    #expect(try await Self.files(of: server) == 0)
                }
            }
        }
    }

    /// What a crash left between the file and its message.
    @Test func aFileWithoutAMessageIsDeletedWhenItHadNoneForADay() async throws {
        try await withTemporaryDirectory { folder in
            try await withServer(["ATTACHMENTS_FOLDER": folder]) { server in
                let data = try await server.makeAccount().makePhone().receive(Self.mms([Self.attachment()])).data
                let path = String(data["attachments"][0].string.dropFirst(server.baseURL.count))
                let orphan = "\(folder)/aa/\(String(repeating: "a", count: 32))"
                try FileManager.default.createDirectory(atPath: folder + "/aa", withIntermediateDirectories: true)
                try Data([1]).write(to: URL(filePath: orphan))

                try await until("the orphan is deleted") {
                    server.clock.advance(by: .seconds(90_000))
                    server.store.wakeups.signal(.attachments)
                    return !FileManager.default.fileExists(atPath: orphan)
                }

                #expect(try await server.client.get(path).status == 200)
            }
        }
    }

    @Test func theURLBeginsWithTheConfiguredOne() async throws {
        try await withServer(["APP_URL": "https://sms.example.com/base/"]) { server in
            let data = try await server.makeAccount().makePhone().receive(Self.mms([Self.attachment()])).data

            #expect(data["attachments"][0].string.hasPrefix("https://sms.example.com/base/v1/attachments/"))
        }
    }
}
