import Foundation
import NIOHTTP1
import Storage
import Synchronization
import TestSupport
import Testing

extension EndToEndTests {
    /// Backup beside a server that is written to, and restore elsewhere, with the real binary.
    @Suite struct Backup {
        private static let received = "message.phone.received"

        @Test(.timeLimit(.minutes(15)), arguments: Engine.allCases)
        func aBackupOfARunningServerIsRestoredElsewhere(engine: Engine) async throws {
            try await withReceiver { receiver in
                receiver.react { arrival, _ in arrival.path == "/later" ? .answer(503) : .answer(200) }
                try await Self.withDatabases(engine) { databases in
                    try await withInstallation(databases.first) { installation in
                        let client = Client(installation: installation)
                        try await client.setUp()
                        for path in ["/take", "/later"] {
                            try await client.webhook(receiver.baseURL + path, events: [Self.received])
                        }
                        let file = try await Self.receiveFile(client)
                        try await client.receive("before", number: 1)
                        let folder = installation.folder + "/backup"

                        // What comes in meanwhile is in the backup or not, and disturbs nothing.
                        async let backup = installation.run("backup", folder, "--with-key")
                        for number in 2...20 { try await client.receive("meanwhile", number: number) }
                        let made = try await backup
                        #expect(made.end == .exited(0), "\(made.errors)")
                        #expect(made.output.contains("It holds the master key"))
                        let twice = try await installation.run("backup", folder)
                        #expect(twice.end == .exited(1) && twice.errors.contains("there already"), "\(twice.errors)")
                        try Self.judge(folder)
                        try await installation.stop()

                        try await withInstallation(databases.second) { other in
                            // Whatever ends it, it is unfinished, and goes on.
                            let wrong = ["MASTER_KEY": Data(repeating: 8, count: 32).base64EncodedString()]
                            let ended = try await other.run("restore", folder, settings: wrong)
                            #expect(ended.errors.contains("another master key"), "\(ended.errors)")
                            let early = try await other.run("user", "create", "--email", "a@b.c")
                            #expect(early.errors.contains("run `httpsms restore` again"), "\(early.errors)")

                            let restored = try await other.run("restore", folder)
                            #expect(restored.end == .exited(0), "\(restored.errors)")
                            #expect(restored.output.contains("every delivery is accounted for"))
                            let again = try await other.run("restore", folder)
                            #expect(again.end == .exited(1), "\(again.output)")

                            try await other.serve()
                            let moved = Client(installation: other)
                            let kept = try await moved.send(.GET, file)
                            #expect(kept.status == 200)
                            let before = receiver.count
                            try await moved.receive("after", number: 21)
                            try await until("what comes now goes out") { receiver.count >= before + 1 }
                            try await other.stop()
                        }
                    }
                }
            }
        }

        @Test(.timeLimit(.minutes(15)), arguments: Engine.allCases)
        func aBackupWithoutAFileThatTheStoreNamesIsNoSuccess(engine: Engine) async throws {
            try await Self.withDatabases(engine) { databases in
                try await withTemporaryDirectory { files in
                    let settings = databases.first.merging(["ATTACHMENTS_FOLDER": files]) { $1 }
                    try await withInstallation(settings) { installation in
                        let client = Client(installation: installation)
                        try await client.setUp()
                        _ = try await Self.receiveFile(client)
                        try await installation.stop()
                        let folder = installation.folder + "/backup"
                        let moved = files + "-away"
                        let manager = FileManager.default

                        try manager.moveItem(atPath: files, toPath: moved)
                        let away = try await installation.run("backup", folder)
                        #expect(away.end == .exited(1), "\(away.output)")
                        #expect(away.errors.contains("cannot be read from \(files): No such file"), "\(away.errors)")
                        #expect(!manager.fileExists(atPath: folder))

                        // As where a disk is not mounted.
                        try manager.createDirectory(atPath: files, withIntermediateDirectories: false)
                        defer { try? manager.removeItem(atPath: moved) }
                        let torn = try await installation.run("backup", folder)
                        #expect(torn.end == .exited(1), "\(torn.output)")
                        #expect(torn.errors.contains("1 of 1 attachments have no file"), "\(torn.errors)")
                        let check = try await installation.run("restore", folder, "--check")
                        #expect(check.output.contains("1 attachments have no file"), "\(check.errors)")
                        let allowed = try await installation.run("backup", folder + "-2", "--allow-missing-files")
                        #expect(allowed.end == .exited(0), "\(allowed.errors)")
                    }
                }
            }
        }

        @Test func aDamagedBackupIsRefused() async throws {
            try await withInstallation { installation in
                #expect(try await installation.run("user", "create", "--email", "a@b.c").end == .exited(0))
                let folder = installation.folder + "/backup"
                #expect(try await installation.run("backup", folder).end == .exited(0))
                let whole = try await installation.run("restore", folder, "--check")
                #expect(whole.end == .exited(0) && whole.output.contains("is whole"), "\(whole.errors)")

                let taken = try await installation.run("restore", folder)
                #expect(taken.end == .exited(1) && taken.errors.contains("is in the way"), "\(taken.errors)")
                let elsewhere = ["DATABASE_URL": "sqlite:\(installation.folder)/other/httpsms.sqlite"]
                let keyless = try await installation.run("restore", folder, settings: elsewhere)
                #expect(keyless.errors.contains("the master key is not in the backup"), "\(keyless.errors)")

                let path = folder + "/httpsms.sqlite"
                var bytes = try Data(contentsOf: URL(filePath: path))
                bytes[bytes.count / 2] ^= 1
                try bytes.write(to: URL(filePath: path))
                let damaged = try await installation.run("restore", folder, "--check")
                #expect(damaged.errors.contains("httpsms.sqlite is not as it was"), "\(damaged.errors)")
                try FileManager.default.removeItem(atPath: path)
                let torn = try await installation.run("restore", folder, settings: elsewhere)
                #expect(torn.errors.contains("httpsms.sqlite cannot be read"), "\(torn.errors)")
            }
        }

        /// Whatever the umask says, and whatever became of the backup on its way.
        @Test(.timeLimit(.minutes(15)), arguments: Engine.allCases)
        func nobodyElseMayReadABackupOrWhatIsRestored(engine: Engine) async throws {
            try await Self.withDatabases(engine) { databases in
                try await withTemporaryDirectory { directory in
                    let backup = directory + "/backup"
                    let first = databases.first.merging(["ATTACHMENTS_FOLDER": directory + "/first"]) { $1 }
                    try await withInstallation(first) { installation in
                        let client = Client(installation: installation)
                        try await client.setUp()
                        _ = try await Self.receiveFile(client)

                        try await Self.runUnmasked("backup '\(backup)' --with-key", in: installation)
                    }
                    let names = try Self.expectPrivate(backup)
                    #expect(names.count { $0.hasPrefix("attachments/") } == 2, "\(names)")
                    #expect(names.contains("master.key") && names.contains("SHA256SUMS"), "\(names)")
                    for name in names {
                        let path = "\(backup)/\(name)"
                        let isFolder = name.wholeMatch(of: /attachments\/../) != nil
                        try FileManager.default.setAttributes(
                            [.posixPermissions: isFolder ? 0o755 : 0o644], ofItemAtPath: path)
                    }

                    let files = directory + "/second"
                    let second = databases.second.merging(["ATTACHMENTS_FOLDER": files]) { $1 }
                    try await withInstallation(second) { other in
                        try await Self.runUnmasked("restore '\(backup)'", in: other)

                        if engine == .sqlite {
                            let placed = try Self.expectPrivate(other.folder + "/data")
                            #expect(placed.contains("httpsms.sqlite") && placed.contains("httpsms.sqlite.key"))
                        }
                    }
                    let restored = try Self.expectPrivate(files)
                    #expect(restored.count == 3 && restored.contains("store-id"), "\(restored)")
                }
            }
        }

        /// Runs a command of the binary whose files may be read and written by everybody, as far as the umask has a say.
        private static func runUnmasked(_ command: String, in installation: Installation) async throws {
            let process = try ChildProcess(
                "/bin/bash", ["-c", "umask 000; exec '\(Installation.binary)' \(command)"],
                environment: installation.environment, logs: installation.folder + "/unmasked")
            let end = try await process.wait()
            #expect(end == .exited(0), "\(process.errors)")
        }

        /// Expects that only their user may do something with a folder and all that is in it.
        ///
        /// - Returns: The paths of what is in it, but those of its `attachments` itself.
        private static func expectPrivate(_ folder: String) throws -> [String] {
            let manager = FileManager.default
            let names = try manager.subpathsOfDirectory(atPath: folder).filter { $0 != "attachments" }
            for path in [folder] + names.map({ "\(folder)/\($0)" }) {
                let mode = try manager.attributesOfItem(atPath: path)[.posixPermissions] as? Int
                #expect(mode.map { $0 & 0o077 } == 0, "\(path): \(String(mode ?? 0, radix: 8))")
            }
            return names
        }

        /// The settings of a server, and of another with nothing in its database.
        private static func withDatabases(
            _ engine: Engine, _ body: ((first: [String: String], second: [String: String])) async throws -> Void
        ) async throws {
            guard engine == .postgresql else { return try await body(([:], [:])) }
            let key = Data(repeating: 7, count: 32).base64EncodedString()
            let urls = [
                try await MigratedStores.makePostgres(empty: true), try await MigratedStores.makePostgres(empty: true),
            ]
            let settings = urls.map { ["DATABASE_URL": $0, "MASTER_KEY": key] }
            try await cleaning {
                for url in urls { try await MigratedStores.drop(url) }
            } after: {
                try await body((settings[0], settings[1]))
            }
        }

        /// Stores an SMS with a file and gives the file's path.
        private static func receiveFile(_ client: Client) async throws -> String {
            let attachment: JSONValue = ["name": "a.png", "content_type": "image/png", "content": "AAECAw=="]
            let message = try await client.call(
                .POST, "/v1/messages/receive",
                [
                    "to": .text(Client.owner), "from": "+18005550100", "content": "MMS", "sim": "SIM1",
                    "timestamp": "2026-07-22T10:15:29Z", "attachments": .array([attachment]),
                ])
            return "/" + (message["attachments"].elements[0].text?.split(separator: "/", maxSplits: 2).last ?? "")
        }

        /// Lets coreutils compare the files.
        private static func judge(_ folder: String) throws {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/sha256sum")
            process.arguments = ["--check", "--strict", "--quiet", "SHA256SUMS"]
            process.currentDirectoryURL = URL(filePath: folder)
            try process.run()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
        }
    }
}
