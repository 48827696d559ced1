import JSON
import NIOHTTP1
import Timestamps
import Wire

/// Keys for programs.
extension ServerClient {
    /// The access keys of the account, without their texts.
    package func accessKeys() async throws -> ClientOutput {
        try await list(
            "/v1/access-keys", limit: 100,
            empty: "No access keys. Create one with `httpsms access-key create --name Reports --scope messages:read`.",
            ["ID", "NAME", "SCOPES", "EXPIRES", "LAST USED"]
        ) { (key: RemoteAccessKey) in
            let scopes = key.scopes.joined(separator: ",")
            return [key.id, key.name, scopes, key.expiresAt ?? "never", key.lastUsedAt ?? "never"]
        }
    }

    /// Creates a key, and shows it.
    ///
    /// - Parameters:
    ///   - name: What it is called.
    ///   - scopes: What it may do.
    ///   - expires: When it ends, a time or how long from now, such as `2160h`; nil for never.
    /// - Returns: The key with its text.
    /// - Throws: ``ClientFailure``: `usage` for another end; else as ``call(_:_:query:_:)``.
    package func createAccessKey(name: String, scopes: [String], expires: String?) async throws -> ClientOutput {
        let expiresAt = try expires.map { text in
            if let duration = DurationText.parse(text) { return (SystemClock().now() + duration).rfc3339 }
            guard let time = Timestamp(rfc3339: text) else {
                throw ClientFailure(
                    .usage, "--expires must be a time such as 2027-07-22T00:00:00Z, or how long from now, such as 720h")
            }
            return time.rfc3339
        }
        let answer = try await call(
            .POST, "/v1/access-keys", AccessKeyBody(name: name, scopes: scopes, expiresAt: expiresAt))
        let key: RemoteAccessKey = try answer.decode()
        let text = TextList([
            ("id", key.id), ("name", key.name), ("scopes", key.scopes.joined(separator: ", ")),
            ("expires", key.expiresAt ?? "never"), ("access key", key.apiKey),
        ]).text
        return ClientOutput(text: text, json: answer.data)
    }

    /// Deletes a key, which is refused from then on.
    package func deleteAccessKey(_ id: String) async throws -> ClientOutput {
        let answer = try await call(.DELETE, "/v1/access-keys/\(id.percentEncoded)")
        return ClientOutput(text: answer.message, json: answer.data)
    }

    private struct AccessKeyBody: JSONWritable {
        let name: String
        let scopes: [String]
        let expiresAt: String?

        func write(to json: inout JSONWriter) {
            json.object { o in
                o.field("name", name)
                o.field("scopes", scopes)
                o.field("expires_at", expiresAt)
            }
        }
    }

    private struct RemoteAccessKey: Decodable {
        let id: String
        let name: String
        let scopes: [String]
        let expiresAt: String?
        let lastUsedAt: String?
        let apiKey: String?
    }
}
