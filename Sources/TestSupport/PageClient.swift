import Foundation
import NIOHTTP1
import Synchronization

/// Opens pages and sends forms over a socket, as a browser without scripts does: it keeps cookies and follows nothing.
package final class PageClient: Sendable {
    private let api: APIClient
    private let jar: Mutex<[String: String]>

    /// Makes a client with the cookies of another one, or without any.
    package init(baseURL: String, cookies: [String: String] = [:]) {
        api = APIClient(baseURL: baseURL, apiKey: nil, followsRedirects: false)
        jar = Mutex(cookies)
    }

    /// The cookies by name.
    package var cookies: [String: String] { jar.withLock { $0 } }

    /// Opens a page.
    package func get(_ path: String, headers: [(String, String)] = []) async throws -> APIClient.Answer {
        try await send("GET", path, headers: headers, body: nil)
    }

    /// Sends a form with the token of the page at `page`, from the same origin.
    package func submit(
        _ path: String, on page: String, _ fields: [(String, String)]
    ) async throws -> APIClient.Answer {
        let token = try await formToken(of: page)
        return try await post(path, [("form_token", token)] + fields, headers: [("Sec-Fetch-Site", "same-origin")])
    }

    /// Sends a form as it is told.
    package func post(
        _ path: String, _ fields: [(String, String)], headers: [(String, String)]
    ) async throws -> APIClient.Answer {
        let body = fields.map { "\(Self.escape($0.0))=\(Self.escape($0.1))" }.joined(separator: "&")
        return try await send(
            "POST", path, headers: [("Content-Type", "application/x-www-form-urlencoded")] + headers,
            body: Array(body.utf8))
    }

    /// Sends a form with a file and the token of the page at `page`, from the same origin.
    package func upload(
        _ path: String, on page: String, _ fields: [(String, String)] = [],
        file: (field: String, name: String, bytes: [UInt8])?
    ) async throws -> APIClient.Answer {
        let token = try await formToken(of: page)
        let boundary = "----boundary\(UInt64.random(in: 0...UInt64.max))"
        var body = ([("form_token", token)] + fields).flatMap { name, value in
            Array("--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8)
        }
        if let file {
            let disposition = "form-data; name=\"\(file.field)\"; filename=\"\(file.name)\""
            body += Array("--\(boundary)\r\nContent-Disposition: \(disposition)\r\n\r\n".utf8)
            body += file.bytes + Array("\r\n".utf8)
        }
        return try await send(
            "POST", path,
            headers: [
                ("Content-Type", "multipart/form-data; boundary=\(boundary)"), ("Sec-Fetch-Site", "same-origin"),
            ], body: body + Array("--\(boundary)--\r\n".utf8))
    }

    /// The token that forms of a page carry; empty when it has none.
    package func formToken(of page: String) async throws -> String {
        let html = try await get(page).text
        return html.firstMatch(of: /name="form_token" value="([0-9a-f]+)"/).map { String($0.1) } ?? ""
    }

    private func send(
        _ method: String, _ path: String, headers: [(String, String)], body: [UInt8]?
    ) async throws -> APIClient.Answer {
        let cookies = cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
        let answer = try await api.send(
            method, path, headers: headers + (cookies.isEmpty ? [] : [("Cookie", cookies)]), body: body)
        jar.withLock { jar in
            for cookie in answer.headers["Set-Cookie"] {
                let pair = cookie.prefix { $0 != ";" }.split(separator: "=", omittingEmptySubsequences: false)
                jar[String(pair[0])] = pair[1].isEmpty ? nil : String(pair[1])
            }
        }
        return answer
    }

    private static func escape(_ text: String) -> String {
        // Letters and digits always can be.
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? text
    }
}
