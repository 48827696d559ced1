import HTTPTypes
import JSON
import Wire

/// SMS.
extension AgentTools {
    /// A message as an agent is shown it.
    private struct SMS: Decodable, JSONWritable {
        let id: String
        let contact: String
        let type: String
        let status: String
        let content: String
        let encrypted: Bool?
        let orderTimestamp: String
        let failureReason: String?

        var isOutgoing: Bool { type == "mobile-terminated" }

        func write(to json: inout JSONWriter) {
            json.object { o in
                o.field("id", id)
                o.field("direction", isOutgoing ? "sent" : type == "call/missed" ? "missed call" : "received")
                o.field("contact", contact.visible(limit: 64))
                o.field("time", orderTimestamp)
                o.field("status", status)
                if let failureReason { o.field("untrusted_failure_reason", failureReason.visible(limit: 500)) }
                let text = encrypted == true ? "(encrypted)" : content.visible(limit: AgentTools.longestText)
                if isOutgoing { o.field("text", text) } else { o.field("untrusted_text", text) }
            }
        }
    }

    private struct Body: JSONWritable {
        let from: String
        let to: [String]
        let content: String

        func write(to json: inout JSONWriter) {
            json.object { o in
                o.field("from", from)
                if to.count == 1 { o.field("to", to[0]) } else { o.field("to", to) }
                o.field("content", content)
            }
        }
    }

    /// 4,000 characters of an SMS: the longest has some 1,600, and a conversation must fit into what an agent reads.
    private static let longestText = 4_000

    func send(_ arguments: AgentArguments) async throws -> AgentResult {
        let given = try arguments.texts("to")
        guard given.count <= limits.mostRecipients else {
            throw AgentFault(
                """
                Nothing was sent: a call may have \(limits.mostRecipients) recipients at \
                most\(limits.option("--most-recipients")), and this one has \(given.count).
                """)
        }
        let to = given.map(\.trimmed).filter { !$0.isEmpty }.unique
        guard !to.isEmpty else { throw AgentFault("The argument to is required.") }
        guard let content = arguments.string("content"), !content.isEmpty else {
            throw AgentFault("The argument content is required, and is a text.")
        }
        let confirmed = try arguments.integer("confirm_recipients", in: 1...1_000)
        guard to.count <= limits.unconfirmed || confirmed == to.count else {
            throw AgentFault(
                """
                Nothing was sent: this would go to \(to.count) recipients. Ask the person you act for whether all of \
                them are meant, and only then call again with confirm_recipients: \(to.count).
                """)
        }
        let from = try await phone(arguments)
        try spend(to.count)
        let body = Body(from: from, to: to, content: content)
        let path = to.count == 1 ? "/v1/messages/send" : "/v1/messages/bulk-send"
        let answer: AgentAnswer
        do {
            answer = try await api.callOnce(path, body)
        } catch {
            guard error.isTransient else { throw error }
            throw AgentFault(
                "\(error.message)\nWhether it was sent is not known. Look with read_conversation before you send it again."
            )
        }
        let sent: [SMS] = try to.count == 1 ? [answer.decode()] : answer.decode()
        return AgentResult { o in
            o.field("result", answer.message)
            o.field("messages", sent)
        }
    }

    func conversations(_ arguments: AgentArguments) async throws -> AgentResult {
        struct Conversation: Decodable, JSONWritable {
            let contact: String
            let orderTimestamp: String
            let lastMessageContent: String?

            func write(to json: inout JSONWriter) {
                json.object { o in
                    o.field("untrusted_contact", contact.visible(limit: 64))
                    o.field("time", orderTimestamp)
                    o.field("untrusted_last_text", lastMessageContent?.visible(limit: 200))
                }
            }
        }
        let limit = try arguments.integer("limit", in: 1...100) ?? 20
        let phone = try await phone(arguments)
        let query = [("owner", phone), ("is_archived", "false"), ("limit", "\(limit)")]
        let list: [Conversation] = try await api.call(.get, "/v1/message-threads", query: query).decode()
        return AgentResult(isUntrusted: true) { o in
            o.field("phone", phone)
            o.field("conversations", list)
        }
    }

    func read(_ arguments: AgentArguments) async throws -> AgentResult {
        let contact = try arguments.requiredText("contact")
        let limit = try arguments.integer("limit", in: 1...100) ?? 20
        let phone = try await phone(arguments)
        let messages = try await messages(of: phone, with: contact, limit: limit)
        return AgentResult(isUntrusted: true) { o in
            o.field("phone", phone)
            o.field("messages", Array(messages.reversed()))
        }
    }

    func wait(_ arguments: AgentArguments, _ call: AgentCall) async throws -> AgentResult {
        let contact = try arguments.requiredText("contact")
        let timeout = try arguments.integer("timeout_seconds", in: 1...limits.longestWait) ?? limits.usualWait
        let deadline = ContinuousClock.now + .seconds(timeout)
        let phone = try await phone(arguments)
        // Ids of messages are UUIDv7: what was made later has a greater one, whatever a phone's clock says.
        var answered = try arguments.text("after_message_id")?.lowercased()
        while true {
            let isOver = call.ending != nil || ContinuousClock.now >= deadline
            do {
                let messages = try await messages(of: phone, with: contact, limit: 50)
                let last = answered ?? messages.filter(\.isOutgoing).map(\.id).max() ?? messages.map(\.id).max() ?? ""
                answered = last
                let replies = messages.filter { !$0.isOutgoing && $0.id > last }
                if !replies.isEmpty || isOver {
                    return AgentResult(isUntrusted: true) { o in
                        o.field("replied", !replies.isEmpty)
                        // With it the next call goes on where this one ends.
                        o.field("after_message_id", replies.map(\.id).max() ?? last)
                        o.field("messages", Array(replies.reversed()))
                    }
                }
            } catch let fault as AgentFault {
                // A server that starts again is waited for as well.
                if isOver || !fault.isTransient { throw fault }
            }
            try await Task.sleep(for: Self.interval)
        }
    }

    /// The newest first.
    private func messages(of phone: String, with contact: String, limit: Int) async throws -> [SMS] {
        let query = [("owner", phone), ("contact", contact), ("limit", "\(limit)")]
        return try await api.call(.get, "/v1/messages", query: query).decode()
    }

    /// A second: people answer more slowly, and the question costs the server next to nothing.
    private static let interval: Duration = .seconds(1)
}
