import Delivery
import Foundation
import Secrets
import Wire

/// Which server the commands speak to, and with which key.
package struct ClientSettings: Sendable {
    /// With its scheme and without a slash at the end.
    package let url: String
    /// A user's API key.
    let apiKey: Secret<String>

    /// Where the key comes from, as a person calls it.
    package let keySource: String

    /// Takes what was checked.
    init(url: String, apiKey: Secret<String>, keySource: String = "--api-key") {
        self.url = url
        self.apiKey = apiKey
        self.keySource = keySource
    }

    /// What a server of ours listens on when nothing else is said.
    private static let standardURL = "http://127.0.0.1:8000"

    /// Puts the settings together: options first, then the environment, then what is stored.
    ///
    /// The stored key goes to the stored URL only: an option that names another server must not send it there. A profile
    /// that is named by an option stands for its server and its key, whatever the environment says.
    ///
    /// - Parameters:
    ///   - url: The option `--url`; nil when it is not given.
    ///   - apiKey: The option `--api-key`.
    ///   - profile: The option `--profile`.
    ///   - environment: The variables.
    /// - Throws: ``ClientFailure``: `usage` for a URL, a profile or a file that cannot be used, `unauthorised` without a
    ///   key.
    package init(
        url: String?, apiKey: String?, profile: String? = nil,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ClientFailure) {
        let variables = profile == nil ? environment : [:]
        let profile = try Profile.chosen(profile, environment)
        let givenURL = url ?? variables["HTTPSMS_URL"]
        let givenKey = apiKey ?? variables["HTTPSMS_API_KEY"]
        let source = url == nil ? "HTTPSMS_URL" : "--url"
        let checkedURL = try givenURL.map { (text) throws(ClientFailure) in try Self.checked(text, source) }
        if let givenKey {
            let stored = checkedURL == nil ? try StoredSettings.read(profile, environment) : nil
            try self.init(
                url: checkedURL ?? stored?.url ?? Self.standardURL, key: givenKey,
                source: apiKey == nil ? "HTTPSMS_API_KEY" : "--api-key")
            return
        }
        guard let stored = try StoredSettings.read(profile, environment) else {
            let reason =
                profile.map { "nothing is stored as profile \($0.name): store it with `\(Profile.login($0))`" }
                ?? "no API key: give --api-key, set HTTPSMS_API_KEY, or store one with `httpsms login`"
            throw ClientFailure(.unauthorised, reason)
        }
        guard checkedURL == nil || checkedURL == stored.url else {
            throw ClientFailure(
                .unauthorised,
                """
                the stored API key is for \(stored.url), not for \(checkedURL ?? ""): give --api-key or set \
                HTTPSMS_API_KEY
                """)
        }
        try self.init(
            url: stored.url, key: stored.apiKey,
            source: profile.map { "the profile \($0.name)" } ?? "`httpsms login`")
    }

    private init(url: String, key: String, source: String) throws(ClientFailure) {
        let key = key.trimmed
        guard !key.isEmpty, key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ClientFailure(.usage, "the API key is empty or holds characters that no key has")
        }
        self.init(url: url, apiKey: Secret(key), keySource: source)
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
    /// - Parameters:
    ///   - profile: The name to store them under; nil for those that commands use without one.
    ///   - environment: The variables.
    /// - Returns: The path of the file.
    /// - Throws: ``ClientFailure`` when it cannot be written.
    package func store(
        as profile: Profile? = nil, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ClientFailure) -> String {
        try StoredSettings(url: url, apiKey: apiKey.exposed).write(profile, environment)
    }
}
