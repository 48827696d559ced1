import Foundation
import JSON
import Wire

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A server and a key as `httpsms login` stores them: `httpsms/config.json` in `XDG_CONFIG_HOME` or `~/.config`, or with a name
/// `httpsms/profiles/<name>.json`.
struct StoredSettings: Codable {
    let url: String
    let apiKey: String

    enum CodingKeys: String, CodingKey {
        case url
        case apiKey = "api_key"
    }

    /// What was stored under a name, or without one; nil when nothing was.
    static func read(_ profile: Profile?, _ environment: [String: String]) throws(ClientFailure) -> StoredSettings? {
        let path = Profile.path(profile, environment)
        guard let data = try PrivateFile.read(path) else { return nil }
        do {
            return try JSONDecoder().decode(StoredSettings.self, from: data)
        } catch {
            throw ClientFailure(.usage, "\(path) cannot be used: write it again with `\(Profile.login(profile))`")
        }
    }

    /// - Returns: The path of the file.
    func write(_ profile: Profile?, _ environment: [String: String]) throws(ClientFailure) -> String {
        let path = Profile.path(profile, environment)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .withoutEscapingSlashes]
        // Two texts can always be encoded.
        let data = (try? encoder.encode(self)) ?? Data()
        try PrivateFile.write(data, to: path)
        return path
    }
}

/// The name of one of several stored servers: 1 to 32 letters, digits, `-` and `_`, which are a file name everywhere.
package struct Profile: Sendable, Equatable {
    /// The name as it was given.
    package let name: String

    /// Takes a name.
    ///
    /// - Throws: ``ClientFailure`` `usage` for anything else.
    package init(_ name: String) throws(ClientFailure) {
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isPlain, (1...32).contains(name.utf8.count), name.utf8.first != UInt8(ascii: "-") else {
            throw ClientFailure(.usage, "--profile must be 1 to 32 letters, digits, - and _, such as staging")
        }
        self.name = name
    }

    /// The profile of the option `--profile`, or else of `HTTPSMS_PROFILE`; nil for what is stored without a name.
    ///
    /// - Throws: ``ClientFailure`` `usage` for what is no name.
    package static func chosen(
        _ option: String?, _ environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ClientFailure) -> Profile? {
        guard let name = option ?? environment["HTTPSMS_PROFILE"].flatMap({ $0.isEmpty ? nil : $0 }) else { return nil }
        return try Profile(name)
    }

    /// One stored server, without its key.
    package struct Entry: Sendable, Equatable {
        /// The profile's name; nil for what `httpsms login` stored without one.
        package let name: String?
        /// The server; nil when the file cannot be used.
        package let url: String?
    }

    /// All that are stored, the one without a name first; the first 100 names.
    package static func all(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ClientFailure) -> [Entry] {
        var entries: [Entry] = []
        if let stored = try StoredSettings.read(nil, environment) { entries.append(Entry(name: nil, url: stored.url)) }
        // There may be no folder.
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder(environment))) ?? []
        // Other files there are none of ours.
        let profiles = files.compactMap { file in
            file.hasSuffix(".json") ? try? Profile(String(file.dropLast(".json".count))) : nil
        }
        for profile in profiles.sorted(by: { $0.name < $1.name }).prefix(100) {
            // A file that cannot be used is listed, so that it can be stored again.
            entries.append(Entry(name: profile.name, url: (try? StoredSettings.read(profile, environment))?.url))
        }
        return entries
    }

    /// All that are stored, with their servers and without their keys.
    package static func list(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ClientFailure) -> ClientOutput {
        let entries = try all(environment: environment)
        var json = JSONWriter()
        json.array(of: entries) { json, entry in
            json.object { o in
                o.field("name", entry.name)
                o.field("url", entry.url)
            }
        }
        let rows = entries.map { [$0.name ?? "(no name)", $0.url ?? "(cannot be used: store it again)"] }
        return ClientOutput(
            text: rows.isEmpty
                ? "Nothing is stored. Store a server with `httpsms login`."
                : TextTable(["PROFILE", "SERVER"], rows).text,
            json: json.bytes)
    }

    /// Removes what `httpsms login` stored.
    ///
    /// - Returns: The path of the file; nil when there was none.
    /// - Throws: ``ClientFailure`` `usage` when it cannot be removed.
    package static func forget(
        _ profile: Profile?, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ClientFailure) -> String? {
        let path = path(profile, environment)
        guard unlink(path) != 0 else { return path }
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw ClientFailure(.usage, "\(path) cannot be removed: \(String(cString: strerror(errno)))")
    }

    static func path(_ profile: Profile?, _ environment: [String: String]) -> String {
        guard let profile else { return ClientSettings.file("config.json", environment).path }
        return "\(folder(environment))/\(profile.name).json"
    }

    private static func folder(_ environment: [String: String]) -> String {
        ClientSettings.file("profiles", environment).path
    }

    /// The command that stores it.
    static func login(_ profile: Profile?) -> String {
        profile.map { "httpsms login --profile \($0.name)" } ?? "httpsms login"
    }
}
