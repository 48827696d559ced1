import HTTPSMSWebhooks
import JSON
import NIOHTTP1
import Wire

/// What an account has besides webhooks and events: phones, their keys, messages and conversations.
extension ServerClient {
    /// The phones of the account.
    package func phones() async throws -> ClientOutput {
        struct RemotePhone: Decodable {
            let id: String
            let phoneNumber: String
            let sim: String?
            let updatedAt: String
        }
        return try await list(
            "/v1/phones", limit: 100, empty: "No phones.", ["ID", "NUMBER", "SIM", "UPDATED"]
        ) { (phone: RemotePhone) in [phone.id, phone.phoneNumber, phone.sim ?? "", phone.updatedAt] }
    }

    /// The keys of the account's phones; the keys themselves are in the JSON only.
    package func phoneKeys() async throws -> ClientOutput {
        try await list(
            "/v1/phone-api-keys", limit: 100,
            empty: "No phone keys. Create one with `httpsms phone-key create --name \"my phone\"`.",
            ["ID", "NAME", "NUMBERS"]
        ) { (key: RemotePhoneKey) in [key.id, key.name, (key.phoneNumbers ?? []).joined(separator: ", ")] }
    }

    /// Creates a key for a phone, and shows it.
    package func createPhoneKey(name: String) async throws -> ClientOutput {
        struct Body: JSONWritable {
            let name: String

            func write(to json: inout JSONWriter) { json.object { $0.field("name", name) } }
        }
        let answer = try await call(.POST, "/v1/phone-api-keys", Body(name: name))
        let key: RemotePhoneKey = try answer.decode()
        return ClientOutput(
            text: TextList([("id", key.id), ("name", key.name), ("phone key", key.apiKey)]).text, json: answer.data)
    }

    /// Deletes a key; the phone that has it is refused from then on.
    package func deletePhoneKey(_ id: String) async throws -> ClientOutput {
        let answer = try await call(.DELETE, "/v1/phone-api-keys/\(id.percentEncoded)")
        return ClientOutput(text: answer.message, json: answer.data)
    }

    /// The messages of one conversation, newest first.
    package func messages(
        owner: String, contact: String, limit: Int, cursor: String? = nil
    ) async throws -> ClientOutput {
        try await list(
            "/v1/messages", query: [("owner", owner), ("contact", contact)], limit: limit, from: cursor ?? "",
            empty: "No messages.",
            ["ID", "TIME", "TYPE", "STATUS", "CONTENT"]
        ) { (message: RemoteMessage) in
            [message.id, message.orderTimestamp, message.type, message.status, message.shownContent]
        }
    }

    /// One message, and what became of it.
    package func message(_ id: String) async throws -> ClientOutput {
        let answer = try await call(.GET, "/v1/messages/\(id.percentEncoded)")
        let message: RemoteMessage = try answer.decode()
        let text = TextList([
            ("id", message.id), ("type", message.type), ("phone", message.owner), ("contact", message.contact),
            ("status", message.status), ("failure", message.failureReason), ("time", message.orderTimestamp),
            ("request id", message.requestId), ("send at", message.scheduledSendTime), ("sent", message.sentAt),
            ("delivered", message.deliveredAt), ("expired", message.expiredAt), ("failed", message.failedAt),
            ("content", message.shownContent),
        ]).text
        return ClientOutput(text: text, json: answer.data)
    }

    /// The conversations of a phone, the one with the newest message first.
    package func threads(
        owner: String, isArchived: Bool, limit: Int, cursor: String? = nil
    ) async throws -> ClientOutput {
        struct RemoteThread: Decodable {
            let id: String
            let contact: String
            let orderTimestamp: String
            let lastMessageContent: String?
        }
        return try await list(
            "/v1/message-threads",
            query: [("owner", owner), ("is_archived", isArchived ? "true" : "false")],
            limit: limit, from: cursor ?? "", empty: "No conversations.", ["ID", "CONTACT", "TIME", "LAST MESSAGE"]
        ) { (thread: RemoteThread) in
            [thread.id, thread.contact, thread.orderTimestamp, thread.lastMessageContent ?? ""]
        }
    }

    /// One webhook.
    package func showWebhook(_ id: String) async throws -> ClientOutput {
        let answer = try await call(.GET, path(id))
        let webhook: RemoteWebhook = try answer.decode()
        return ClientOutput(text: webhook.description(withKey: false), json: answer.data)
    }

    /// A list as a table. `cursor` says where to go on: empty for the beginning, nil for a command that shows that only.
    func list<Item: Decodable>(
        _ path: String, query: [(String, String?)] = [], limit: Int, from cursor: String? = nil, empty: String,
        _ headings: [String], row: (Item) -> [String]
    ) async throws -> ClientOutput {
        let answer = try await call(.GET, path, query: query + [("limit", "\(limit)"), Self.start(cursor)])
        let items: [Item] = try answer.decode()
        return ClientOutput(
            text: items.isEmpty ? empty : TextTable(headings, items.map(row)).text, json: answer.data,
            next: cursor == nil ? nil : answer.nextCursor)
    }

    /// The parameter for where a list begins; servers that know no cursors are not asked for the beginning by one.
    static func start(_ cursor: String?) -> (String, String?) {
        ("cursor", cursor.flatMap { $0.isEmpty ? nil : $0 })
    }

    private struct RemotePhoneKey: Decodable {
        let id: String
        let name: String
        let apiKey: String?
        let phoneNumbers: [String]?
    }

    private struct RemoteMessage: Decodable {
        let id: String
        let owner: String
        let contact: String
        let type: String
        let status: String
        let content: String
        let encrypted: Bool?
        let orderTimestamp: String
        let requestId: String?
        let scheduledSendTime: String?
        let sentAt: String?
        let deliveredAt: String?
        let expiredAt: String?
        let failedAt: String?
        let failureReason: String?

        var shownContent: String { encrypted == true ? "(encrypted)" : content }
    }
}

extension ServerClient {
    /// Calls any route of the API.
    ///
    /// - Parameters:
    ///   - method: GET, POST, PUT, PATCH or DELETE, in any case of letters.
    ///   - path: The path with its query, such as `/v1/phones?limit=5`.
    ///   - body: The JSON to send; nil for none.
    /// - Returns: The body of the response as it came.
    /// - Throws: ``ClientFailure``: `usage` for another method, path or body; else as ``call(_:_:query:_:)``.
    package func request(_ method: String, _ path: String, body: String?) async throws -> ClientOutput {
        let method = method.uppercased()
        guard ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(method) else {
            throw ClientFailure(.usage, "the method must be GET, POST, PUT, PATCH or DELETE")
        }
        guard path.hasPrefix("/"), path.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") })
        else {
            throw ClientFailure(
                .usage,
                "the path must begin with a slash, such as /v1/phones; percent-encode spaces and special characters"
            )
        }
        let bytes = body.map { Array($0.utf8) }
        if let bytes, (try? JSONScanner.members(of: bytes)) == nil {
            throw ClientFailure(.usage, "--data must be a JSON object")
        }
        let answer = try await exchange(HTTPMethod(rawValue: method), path, body: bytes)
        let text = String(decoding: answer, as: UTF8.self)
        return ClientOutput(text: text, json: answer)
    }
}
