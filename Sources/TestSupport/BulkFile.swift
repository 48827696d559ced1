/// A file of messages as text.
package enum BulkFile {
    /// The first row.
    package static let header = "FromPhoneNumber,ToPhoneNumber,Content,SendTime(optional),AttachmentURLs(optional)\n"
    /// A row that holds to all rules.
    package static let row = "+18005550199,+18005550100,Hi,,\n"
}

/// A form with one file, as a browser or curl sends it.
package struct Form {
    /// What is sent.
    package let body: [UInt8]
    /// What goes with it.
    package let headers: [(String, String)]

    /// A form with the file `name`.
    package init(
        _ name: String, _ bytes: [UInt8], field: String = "document", type: String = "application/octet-stream"
    ) {
        let boundary = "----boundary\(UInt64.random(in: 0...UInt64.max))"
        let head = """
            --\(boundary)\r\nContent-Disposition: form-data; name="other"\r\n\r\nvalue\r\n--\(boundary)\r\n\
            Content-Disposition: form-data; name="\(field)"; filename="\(name)"\r\nContent-Type: \(type)\r\n\r\n
            """
        body = Array(head.utf8) + bytes + Array("\r\n--\(boundary)--\r\n".utf8)
        headers = [("Content-Type", "multipart/form-data; boundary=\(boundary)")]
    }
}

extension Account {
    /// Uploads a file.
    package func upload(_ name: String, _ bytes: [UInt8], more: [(String, String)] = []) async throws
        -> APIClient.Answer
    {
        let form = Form(name, bytes)
        return try await client.send("POST", "/v1/bulk-messages", headers: form.headers + more, body: form.body)
    }

    /// Uploads text.
    package func upload(_ text: String) async throws -> APIClient.Answer {
        try await upload("numbers.csv", Array(text.utf8))
    }

    /// Every message, in the order in which they were made.
    package func allMessages() async throws -> [JSON] {
        try await client.get("/v1/messages/search?limit=200").data.array
    }
}
