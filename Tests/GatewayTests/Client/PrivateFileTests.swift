import Foundation
import TestSupport
import Testing

@testable import Client

/// Files of keys: nobody else's, and no links.
@Suite(.onOneEngine) struct PrivateFileTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    @Test func whatIsWrittenIsReadByItsOwnerOnly() throws {
        try withFolder { folder in
            let path = "\(folder)/a/b/key"
            try PrivateFile.write(Data("secret".utf8), to: path)
            try PrivateFile.write(Data("other".utf8), to: path)

            #expect(try PrivateFile.read(path) == Data("other".utf8))
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/a/b") == ["key"])
            #expect(try PrivateFile.read("\(folder)/none") == nil)
            #expect(try PrivateFile.read("\(path)/none") == nil)
        }
    }

    @Test func aLinkIsNeitherReadNorWrittenThrough() throws {
        try withFolder { folder in
            let (target, link) = ("\(folder)/target", "\(folder)/link")
            try PrivateFile.write(Data("secret".utf8), to: target)
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)

            let failure = #expect(throws: ClientFailure.self) { try PrivateFile.read(link) }
            #expect(failure?.status == .usage && failure?.description.contains("is a link") == true)
            try PrivateFile.write(Data("new".utf8), to: link)
            #expect(try PrivateFile.read(target) == Data("secret".utf8))
            #expect(try PrivateFile.read(link) == Data("new".utf8))
        }
    }

    @Test(arguments: [0o644, 0o640, 0o604, 0o620, 0o601]) func aFileOfOthersIsRefused(mode: Int) throws {
        try withFolder { folder in
            let path = "\(folder)/key"
            try PrivateFile.write(Data("secret".utf8), to: path)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)

            let failure = #expect(throws: ClientFailure.self) { try PrivateFile.read(path) }
            #expect(failure?.description == "\(path) can be read by others: chmod 600 \(path)")
        }
    }

    @Test func aFolderAPipeAndAHugeFileAreRefused() throws {
        try withFolder { folder in
            mkfifo("\(folder)/pipe", 0o600)
            try PrivateFile.write(Data(count: 70_000), to: "\(folder)/huge")

            for path in [folder, "\(folder)/pipe", "\(folder)/huge"] {
                #expect(throws: ClientFailure.self) { try PrivateFile.read(path) }
            }
        }
    }

    @Test func profilesAreListedWithoutKeysAlsoBrokenOnes() throws {
        try withFolder { home in
            let environment = ["HOME": home]
            for name in ["b", "a"] {
                let settings = try ClientSettings(
                    url: "https://\(name).example", apiKey: "uk_secret", environment: environment)
                _ = try settings.store(as: Profile(name), environment: environment)
            }
            try PrivateFile.write(Data("{".utf8), to: "\(home)/.config/httpsms/profiles/c.json")
            try PrivateFile.write(Data("{".utf8), to: "\(home)/.config/httpsms/profiles/no file.json")

            let list = try Profile.list(environment: environment)

            #expect(try Profile.all(environment: environment).map(\.name) == ["a", "b", "c"])
            let named = ["a", "b"].map { #"{"name":"\#($0)","url":"https://\#($0).example"},"# }.joined()
            #expect(list.json == "[" + named + #"{"name":"c","url":null}]"#)
            #expect(!list.text.contains("uk_secret") && !list.json.contains("uk_secret"))
            #expect(try Profile.forget(Profile("a"), environment: environment)?.hasSuffix("/profiles/a.json") == true)
            #expect(try Profile.forget(Profile("a"), environment: environment) == nil)
        }
    }

    @Test(arguments: [
        ("mon-fri=09:00-17:00", [1, 2, 3, 4, 5], 540, 1_020), ("SAT,sun=10:00-12:30", [6, 0], 600, 750),
        ("fri=22:00-02:00", [5], 1_320, 120), ("mon-sun=00:00-24:00", [1, 2, 3, 4, 5, 6, 0], 0, 1_440),
        ("mon,mon-tue=09:00-10:00", [1, 2], 540, 600),
    ])
    func windowsAreRead(text: String, days: [Int], start: Int, end: Int) throws {
        let window = try #require(WindowOption(text))

        #expect(window.days == days && window.start == start && window.end == end)
    }

    @Test(arguments: [
        "", "=", "mon", "mon=", "mon=9:00-17:00", "mon=09:00", "mon=09:00-17:00-18:00", "fri-mon=09:00-10:00",
        "mon=24:00-25:00", "mon=09:60-10:00", "mon=00:00-00:00", "mon=10:00-10:00", "day=09:00-10:00",
        "mon--=09:00-10:00", "mon=-9:00-10:00", "mon=99:99-99:99", "mon=09:00-17:00=x", "mon=0９:00-17:00",
    ])
    func otherWindowsAreRefused(text: String) {
        #expect(WindowOption(text) == nil)
    }
}
