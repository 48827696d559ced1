import Delivery
import Foundation
import Secrets
import TestSupport
import Testing

@testable import Client

@Suite(.onOneEngine) struct ClientSettingsTests {
    /// Runs `body` with an environment whose configuration folder is empty.
    private func withHome(_ body: ([String: String]) throws -> Void) throws {
        let home = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: home) }
        try body(["HOME": home.path])
    }

    @Test func optionsPrecedeTheEnvironmentWhichPrecedesTheFile() throws {
        try withHome { home in
            _ = try ClientSettings(url: "https://stored.example/", apiKey: "uk_stored", environment: home)
                .store(environment: home)
            let named = home.merging(["HTTPSMS_URL": "https://named.example", "HTTPSMS_API_KEY": "uk_named"]) { $1 }

            let stored = try ClientSettings(url: nil, apiKey: nil, environment: home)
            let environment = try ClientSettings(url: nil, apiKey: nil, environment: named)
            let options = try ClientSettings(url: "http://given", apiKey: "uk_given", environment: named)
            let key = try ClientSettings(url: nil, apiKey: "uk_given", environment: home)

            #expect([stored.url, stored.apiKey.exposed] == ["https://stored.example", "uk_stored"])
            #expect([environment.url, environment.apiKey.exposed] == ["https://named.example", "uk_named"])
            #expect([options.url, options.apiKey.exposed] == ["http://given", "uk_given"])
            #expect([key.url, key.apiKey.exposed] == ["https://stored.example", "uk_given"])
        }
    }

    @Test func withoutAnythingTheServerIsTheOneOfThisMachine() throws {
        try withHome { home in
            let settings = try ClientSettings(url: nil, apiKey: "uk_key", environment: home)

            #expect(settings.url == "http://127.0.0.1:8000")
            let failure = #expect(throws: ClientFailure.self) {
                try ClientSettings(url: nil, apiKey: nil, environment: home)
            }
            #expect(failure?.status == .unauthorised)
        }
    }

    @Test func theStoredKeyGoesToItsServerOnly() throws {
        try withHome { home in
            _ = try ClientSettings(url: "https://stored.example", apiKey: "uk_stored", environment: home)
                .store(environment: home)

            let same = try ClientSettings(url: "https://stored.example//", apiKey: nil, environment: home)
            let failure = #expect(throws: ClientFailure.self) {
                try ClientSettings(url: "https://other.example", apiKey: nil, environment: home)
            }

            #expect(same.apiKey.exposed == "uk_stored")
            #expect(failure?.status == .unauthorised)
        }
    }

    @Test(arguments: [
        ("example.com", "uk_key"), ("ftp://example.com", "uk_key"), ("https://a.example/?x=1", "uk_key"),
        ("https://a.example/#x", "uk_key"), ("https://a.example", ""), ("https://a.example", "uk\n_key"),
        ("https://a.example", "\u{fc}k"),
    ])
    func whatCannotBeUsedIsRefused(_ url: String, _ key: String) throws {
        try withHome { home in
            let failure = #expect(throws: ClientFailure.self) {
                try ClientSettings(url: url, apiKey: key, environment: home)
            }
            #expect(failure?.status == .usage)
        }
    }

    @Test func aFileThatIsNoConfigurationIsNamed() throws {
        try withHome { home in
            let path = try ClientSettings(url: nil, apiKey: "uk_key", environment: home).store(environment: home)
            try Data("{}".utf8).write(to: URL(filePath: path))

            let failure = #expect(throws: ClientFailure.self) {
                try ClientSettings(url: nil, apiKey: nil, environment: home)
            }

            #expect(failure?.description.contains(path) == true)
            #expect(failure?.status == .usage)
        }
    }
}
