import Delivery
import Foundation
import HTTPSMSWebhooks
import Storage
import Synchronization
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import Server

/// Files of MMS in a folder: kept whatever becomes of the answer to a COMMIT, and never called missing when nobody can tell.
@Suite(.timeLimit(.minutes(15))) struct AttachmentFolderTests {
    private static let bytes: [UInt8] = [1, 2, 3]

    private static let mms: JSON = [
        "from": "+18005550100", "content": "Look", "timestamp": "2026-07-22T10:15:29Z",
        "attachments": [
            [
                "name": "a.png", "content_type": "image/png",
                "content": .string(Data(bytes).base64EncodedString()),
            ]
        ],
    ]

    /// The same SMS as ``mms``, past the API.
    private static func sms() throws -> InboundOperations.SMS {
        let attachment = ["name": "a.png", "content_type": "image/png", "content": Data(bytes).base64EncodedString()]
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return InboundOperations.SMS(
            owner: "+18005550199", contact: "+18005550100", content: "Look", isEncrypted: false, sim: .sim1,
            timestamp: PhoneTime("2026-07-22T10:15:29Z"),
            attachments: [
                try decoder.decode(InboundAttachment.self, from: JSONSerialization.data(withJSONObject: attachment))
            ],
            notes: ReportNotes())
    }

    private static func receive(over store: any Store, _ server: TestServer, _ account: Account, in folder: String)
        async throws -> Message
    {
        let inbound = InboundOperations(
            store: store, attachments: .folder(AttachmentFolder(URL(filePath: folder))), quotas: Quotas(),
            clock: server.clock, appURL: { _ in server.baseURL })
        return try await inbound.receive(
            try sms(), userID: UserID(account.id), source: "/tests", origin: RequestOrigin(client: nil, baseURL: nil),
            receipt: .unkept)
    }

    /// The paths of all files in the folder.
    private static func files(in folder: String) -> [String] {
        let found = FileManager.default.enumerator(atPath: folder)?.allObjects as? [String] ?? []
        return found.filter { $0.contains("/") }.map { "\(folder)/\($0)" }
    }

    @Test(arguments: Engine.enabled) func anSMSWhoseCommitIsNotAnsweredKeepsItsFile(engine: Engine) async throws {
        try await withTemporaryDirectory { directory in
            let folder = directory + "/files"
            try await withServer(["ATTACHMENTS_FOLDER": folder], on: engine) { server in
                let account = try await server.makeAccount()
                _ = try await account.makePhone()
                let store = UnheardStore(server.store)

                await #expect(throws: StorageError.self) {
                    _ = try await Self.receive(over: store, server, account, in: folder)
                }
                #expect(Self.files(in: folder).count == 1)
                let message = try await Self.receive(over: store, server, account, in: folder)

                #expect(Self.files(in: folder).count == 1)
                let url = try #require(message.attachments.first)
                let file = try await server.client.get(String(url.dropFirst(server.baseURL.count)))
                #expect(file.status == 200)
                #expect(file.body == Self.bytes)
            }
        }
    }

    @Test func anSMSThatWasNotStoredLeavesNoFile() async throws {
        try await withTemporaryDirectory { directory in
            let folder = directory + "/files"
            try await withServer(["ATTACHMENTS_FOLDER": folder]) { server in
                let account = try await server.makeAccount()

                await #expect(throws: StorageError.self) {
                    _ = try await Self.receive(
                        over: UnheardStore(server.store, isRefusing: true), server, account, in: folder)
                }

                #expect(Self.files(in: folder) == [])
            }
        }
    }

    @Test func aRepeatedSMSBringsBackAFileThatIsMissing() async throws {
        try await withTemporaryDirectory { directory in
            let folder = directory + "/files"
            try await withServer(["ATTACHMENTS_FOLDER": folder]) { server in
                let phone = try await server.makeAccount().makePhone()
                let first = try await phone.receive(Self.mms)
                let files = Self.files(in: folder)
                for file in files { try FileManager.default.removeItem(atPath: file) }

                let again = try await phone.receive(Self.mms)

                #expect(again.text == first.text)
                #expect(Self.files(in: folder) == files)
                let path = first.data["attachments"][0].string.dropFirst(server.baseURL.count)
                #expect(try await server.client.get(String(path)).body == Self.bytes)
            }
        }
    }

    @Test func aFileIsOnlyMissingWhereItsFolderIsThere() async throws {
        try await withTemporaryDirectory { directory in
            let (folder, away) = (directory + "/files", directory + "/away")
            try await withServer(["ATTACHMENTS_FOLDER": folder]) { server in
                let phone = try await server.makeAccount().makePhone()
                let url = try await phone.receive(Self.mms).data["attachments"][0].string
                let path = String(url.dropFirst(server.baseURL.count))
                let files = FileManager.default

                try files.moveItem(atPath: folder, toPath: away)
                let unknown = try await server.client.get(path)
                #expect(unknown.status == 503)
                #expect(unknown.json["message"].string.contains("\(folder): No such file or directory"))
                try Data().write(to: URL(filePath: folder))
                #expect(try await server.client.get(path).status == 503)
                try files.removeItem(atPath: folder)
                try files.moveItem(atPath: away, toPath: folder)
                #expect(try await server.client.get(path).status == 200)
                for file in Self.files(in: folder) { try files.removeItem(atPath: file) }
                #expect(try await server.client.get(path).status == 404)
            }
        }
    }

    /// What is there while the disk is away: nothing, the empty folder it is mounted on, or another store's.
    @Test(arguments: ["", "x"]) func whereTheDiskIsAwayNoFileIsMissingAndNoneIsTaken(below: String) async throws {
        try await withTemporaryDirectory { directory in
            let (disk, away) = (directory + "/disk", directory + "/away")
            let folder = below.isEmpty ? disk : "\(disk)/\(below)"
            let files = FileManager.default
            try await withServer(["ATTACHMENTS_FOLDER": folder]) { server in
                func get(_ url: String) async throws -> Int {
                    try await server.client.get(String(url.dropFirst(server.baseURL.count))).status
                }
                let phone = try await server.makeAccount().makePhone()
                let url = try await phone.receive(Self.mms).data["attachments"][0].string
                let later = Self.mms.with(["timestamp": "2026-07-22T11:15:29Z"])

                try files.moveItem(atPath: disk, toPath: away)
                try files.createDirectory(atPath: disk, withIntermediateDirectories: false)
                #expect(try await get(url) == 503)
                #expect(try await phone.receive(later).status == 503)
                // A repetition brings no file to where nobody would find it.
                #expect(try await phone.receive(Self.mms).status == 503)
                #expect(try await get(url) == 503)
                server.store.wakeups.signal(.attachments)
                try await until("the server is not ready") {
                    let ready = try await server.client.get("/health/ready")
                    return ready.status == 503 && ready.json["data"][0].string.contains("written to \(folder): ")
                }
                #expect(try await get(url) == 503)
                #expect(try files.contentsOfDirectory(atPath: disk) == [])

                try AttachmentOwner(URL(fileURLWithPath: folder)).file.write(StoreIDFile.draw())
                #expect(try await get(url) == 503)
                let refused = try await phone.receive(later)
                #expect(refused.status == 503)
                #expect(Self.files(in: folder) == [])

                try files.removeItem(atPath: disk)
                try files.moveItem(atPath: away, toPath: disk)
                #expect(try await get(url) == 200)
                let taken = try await phone.receive(later)
                #expect(taken.status == 200)
                #expect(try await get(taken.data["attachments"][0].string) == 200)
                try await until("the server is ready") {
                    try await server.client.get("/health/ready").status == 200
                }
            }
        }
    }

    /// The empty folder that a disk is mounted on is not the store's, even for a server that never saw the disk.
    @Test(arguments: Engine.enabled) func aServerThatStartsWhileTheDiskIsAwayWaitsForIt(engine: Engine) async throws {
        try await withTemporaryDirectory { directory in
            let (disk, away) = (directory + "/disk", directory + "/away")
            let settings = ["ATTACHMENTS_FOLDER": disk]
            let files = FileManager.default
            let kept = Mutex("")
            try await withServer(settings, on: engine, in: directory) { server in
                let account = try await server.makeAccount()
                let url = try await account.makePhone().receive(Self.mms).data["attachments"][0].string
                kept.withLock { $0 = String(url.dropFirst(server.baseURL.count)) }
            }
            try files.moveItem(atPath: disk, toPath: away)
            try files.createDirectory(atPath: disk, withIntermediateDirectories: false)

            try await withServer(settings, on: engine, in: directory) { server in
                let phone = try await server.makeAccount().makePhone()
                let path = kept.withLock { $0 }
                #expect(try await server.client.get(path).status == 503)
                #expect(try await phone.receive(Self.mms).status == 503)
                try await until("the server is not ready") {
                    let ready = try await server.client.get("/health/ready")
                    return ready.status == 503 && ready.json["data"][0].string.contains("Mount its disk again")
                }
                #expect(server.log.lines.contains { $0.message == "the files of attachments are not there" })
                #expect(try files.contentsOfDirectory(atPath: disk) == [])

                try files.removeItem(atPath: disk)
                try files.moveItem(atPath: away, toPath: disk)
                #expect(try await server.client.get(path).body == Self.bytes)
                #expect(try await phone.receive(Self.mms).status == 200)
            }
        }
    }

    @Test func aServerWhoseFolderTakesNoFilesIsNotReadyUntilItDoes() async throws {
        try await withTemporaryDirectory { directory in
            let folder = directory + "/files"
            try await withServer(["ATTACHMENTS_FOLDER": folder]) { server in
                let phone = try await server.makeAccount().makePhone()
                let away = directory + "/away"
                try FileManager.default.moveItem(atPath: folder, toPath: away)
                try Data().write(to: URL(filePath: folder))

                try await until("the server is not ready") {
                    let ready = try await server.client.get("/health/ready")
                    return ready.status == 503 && ready.json["data"][0].string.contains("\(folder): Not a directory")
                }
                #expect(try await phone.receive(Self.mms).status == 503)
                let text: JSON = ["from": "+18005550100", "content": "without a file"]
                #expect(try await phone.receive(text).status == 200)

                try FileManager.default.removeItem(atPath: folder)
                #expect(try await phone.receive(Self.mms).status == 503)
                #expect(!FileManager.default.fileExists(atPath: folder))
                try FileManager.default.moveItem(atPath: away, toPath: folder)
                #expect(try await phone.receive(Self.mms).status == 200)
                try await until("the server is ready") {
                    try await server.client.get("/health/ready").status == 200
                }
                let page = try await server.client.get("/metrics").text
                #expect(page.contains("\nhttpsms_disk_free_bytes{folder=\"attachments\"} "))
            }
        }
    }

    /// What no look tells, a quota or a link that leads nowhere, the first write does; after it, each look tries.
    @Test func afterAWriteThatFailedEachLookWrites() async throws {
        try await withTemporaryDirectory { directory in
            let folder = AttachmentFolder(URL(filePath: directory + "/files"))
            let files = FileManager.default
            try files.createSymbolicLink(
                atPath: directory + "/files", withDestinationPath: directory + "/elsewhere")
            let token = String(repeating: "a", count: 32)
            let kept = KeptAttachment(
                attachment: StoredAttachment(
                    messageID: MessageID(at: SystemClock().now()), index: 0, token: token, fileName: "a.png",
                    contentType: "image/png", byteCount: 3),
                data: Data(Self.bytes))
            #expect(folder.trouble() == nil)

            await #expect(throws: StorageError.self) { try await folder.write([kept]) }

            #expect(folder.trouble() != nil)
            try files.createDirectory(atPath: directory + "/elsewhere", withIntermediateDirectories: false)
            #expect(folder.trouble() == nil)
            #expect(folder.health.lastFailure == nil)
            #expect(try files.contentsOfDirectory(atPath: directory + "/elsewhere") == [])
        }
    }

    @Test func theDoctorLooksForFiles() async throws {
        try await withTemporaryDirectory { directory in
            let folder = directory + "/files"
            try await withServer(["ATTACHMENTS_FOLDER": folder]) { server in
                let configuration = try GatewayConfiguration(
                    flags: [:],
                    environment: ["DATABASE_URL": "sqlite:\(server.databasePath)", "ATTACHMENTS_FOLDER": folder])
                let phone = try await server.makeAccount().makePhone()
                _ = try await phone.receive(Self.mms)
                _ = try await phone.receive(Self.mms.with(["timestamp": "2026-07-22T11:15:29Z"]))
                let paths = Self.files(in: folder)
                try #require(paths.count == 2)
                func finding() async throws -> String {
                    try await Commands.attachments(configuration, in: server.store).map(\.description).joined()
                }

                #expect(try await finding().contains("2 were looked for and are there"))
                try FileManager.default.removeItem(atPath: paths[0])
                #expect(try await finding().contains("WARNING  attachments: 1 of the 2 files looked at are not in"))
                try FileManager.default.removeItem(atPath: paths[1])
                #expect(try await finding().contains("PROBLEM  attachments: 2 of the 2 files looked at are not in"))
                try FileManager.default.removeItem(atPath: folder)
                #expect(try await finding().contains("PROBLEM  attachments: attachments cannot be read from"))
            }
        }
    }
}

/// A store whose first write is not answered as it went: it is stored and said not to be, or refused.
private final class UnheardStore: Store {
    private let wrapped: any Store
    private let isRefusing: Bool
    private let isOver = Mutex(false)

    init(_ wrapped: any Store, isRefusing: Bool = false) {
        (self.wrapped, self.isRefusing) = (wrapped, isRefusing)
    }

    var wakeups: Wakeups { wrapped.wakeups }
    var unreadable: UnreadableRows { wrapped.unreadable }

    func read<T: Sendable>(
        _ lane: ReadLane, _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T {
        try await wrapped.read(lane, body)
    }

    func write<T: Sendable>(
        _ lane: WriteLane, _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T {
        let isFirst = isOver.withLock { isOver in
            defer { isOver = true }
            return !isOver
        }
        if isFirst, isRefusing { throw StorageError.unavailable("the test wants it so") }
        let value = try await wrapped.write(lane, body)
        if isFirst { throw StorageError.unavailable("the answer was lost") }
        return value
    }

    func readiness() async -> String? { nil }
    func waitingWrites(_ kind: WriteLane.Kind) -> Int { 0 }
    func close() async throws {}
}
