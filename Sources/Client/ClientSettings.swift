import Delivery
import Foundation
import Secrets
import Wire

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Which server the commands speak to, and with which key.
package struct ClientSettings: Sendable {
    /// With its scheme and without a slash at the end.
    package let url: String
    /// A user's API key.
    let apiKey: Secret<String>

    /// Takes what was checked.
    init(url: String, apiKey: Secret<String>) {
        self.url = url
        self.apiKey = apiKey
    }

    /// What a server of ours listens on when nothing else is said.
    private static let standardURL = "http://127.0.0.1:8000"

    /// Puts the settings together: options first, then the environment, then the configuration file.
    ///
    /// The stored key goes to the stored URL only: an option that names another server must not send it there.
    ///
    /// - Throws: ``ClientFailure``: `usage` for a URL or a file that cannot be used, `unauthorised` without a key.
    package init(
        url: String?, apiKey: String?, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ClientFailure) {
        let givenURL = url ?? environment["HTTPSMS_URL"]
        let givenKey = apiKey ?? environment["HTTPSMS_API_KEY"]
        let source = url == nil ? "HTTPSMS_URL" : "--url"
        let checkedURL = try givenURL.map { (text) throws(ClientFailure) in try Self.checked(text, source) }
        if let givenKey {
            let stored = checkedURL == nil ? try StoredSettings.read(environment) : nil
            try self.init(url: checkedURL ?? stored?.url ?? Self.standardURL, key: givenKey)
            return
        }
        guard let stored = try StoredSettings.read(environment) else {
            throw ClientFailure(
                .unauthorised, "no API key: give --api-key, set HTTPSMS_API_KEY, or store one with `httpsms login`")
        }
        guard checkedURL == nil || checkedURL == stored.url else {
            throw ClientFailure(
                .unauthorised,
                """
                the stored API key is for \(stored.url), not for \(checkedURL ?? ""): give --api-key or set \
                HTTPSMS_API_KEY
                """)
        }
        try self.init(url: stored.url, key: stored.apiKey)
    }

    private init(url: String, key: String) throws(ClientFailure) {
        let key = key.trimmed
        guard !key.isEmpty, key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ClientFailure(.usage, "the API key is empty or holds characters that no key has")
        }
        self.init(url: url, apiKey: Secret(key))
    }

    /// A URL without slashes at its end, and without the version of the API, which the commands add.
    private static func checked(_ text: String, _ source: String) throws(ClientFailure) -> String {
        var url = text.trimmed
        while url.last == "/" { url.removeLast() }
        if url.hasSuffix("/v1") { url.removeLast("/v1".count) }
        do {
            _ = try CallbackURL(url)
        } catch {
            throw ClientFailure(.usage, "\(source): \(error); give it such as https://sms.example.com")
        }
        guard !url.contains("?"), !url.contains("#") else {
            throw ClientFailure(.usage, "\(source): the address of a server has no query")
        }
        return url
    }

    /// The path of a file of ours in `XDG_CONFIG_HOME` or `~/.config`.
    static func file(_ name: String, _ environment: [String: String]) -> URL {
        let home = environment["HOME"] ?? NSHomeDirectory()
        let base = environment["XDG_CONFIG_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? home + "/.config"
        return URL(filePath: base).appending(path: "httpsms/\(name)")
    }

    /// Writes the settings where commands find them, readable by their owner only.
    ///
    /// - Returns: The path of the file.
    /// - Throws: ``ClientFailure`` when it cannot be written.
    package func store(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ClientFailure) -> String {
        try StoredSettings(url: url, apiKey: apiKey.exposed).write(environment)
    }
}

/// The configuration file: `httpsms/config.json` in `XDG_CONFIG_HOME` or `~/.config`.
private struct StoredSettings: Codable {
    let url: String
    let apiKey: String

    enum CodingKeys: String, CodingKey {
        case url
        case apiKey = "api_key"
    }

    private static func path(_ environment: [String: String]) -> URL {
        ClientSettings.file("config.json", environment)
    }

    /// What was stored; nil when nothing was.
    static func read(_ environment: [String: String]) throws(ClientFailure) -> StoredSettings? {
        let file = path(environment)
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        do {
            let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int ?? 0
            guard mode & 0o077 == 0 else {
                throw ClientFailure(.usage, "\(file.path) can be read by others: chmod 600 \(file.path)")
            }
            return try JSONDecoder().decode(StoredSettings.self, from: Data(contentsOf: file))
        } catch let failure as ClientFailure {
            throw failure
        } catch {
            throw ClientFailure(.usage, "\(file.path) cannot be used: write it again with `httpsms login`")
        }
    }

    func write(_ environment: [String: String]) throws(ClientFailure) -> String {
        let file = Self.path(environment)
        let temporary = file.deletingLastPathComponent().appending(path: ".config.json.\(UUID().uuidString)")
        do {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .withoutEscapingSlashes]
            // Made with its mode, so that there is no moment in which others can read it; then put in place at once.
            guard
                FileManager.default.createFile(
                    atPath: temporary.path, contents: try encoder.encode(self),
                    attributes: [.posixPermissions: 0o600])
            else { throw CocoaError(.fileWriteUnknown) }
            guard rename(temporary.path, file.path) == 0 else { throw CocoaError(.fileWriteUnknown) }
        } catch {
            try? FileManager.default.removeItem(at: temporary)  // There may be none.
            throw ClientFailure(.usage, "\(file.path) cannot be written: is the folder yours, and the disk not full?")
        }
        return file.path
    }
}
