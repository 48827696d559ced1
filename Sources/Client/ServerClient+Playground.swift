import JSON
import NIOHTTP1
import Wire

/// The receiver on the server itself.
extension ServerClient {
    /// Opens the account's playground, and has a webhook lead there that gets all events, unless one does already.
    ///
    /// - Returns: The webhook, and the number of the last request that arrived before; 0 for none.
    package func openPlayground() async throws -> (webhook: ClientOutput, last: Int64) {
        let playground: RemotePlayground = try await call(.POST, Self.playground).decode()
        let last = playground.requests.first?.number ?? 0
        let webhooks: [RemoteWebhook] = try await listWebhooks().decode()
        if let webhook = webhooks.first(where: { $0.url == playground.url }) {
            return (try await showWebhook(webhook.id), last)
        }
        return (try await createWebhook(WebhookChange(url: playground.url, allPhoneNumbers: true)), last)
    }

    /// What arrived there lately, the newest first.
    package func playgroundRequests() async throws -> ClientOutput {
        let answer = try await call(.GET, Self.playground)
        let requests = try answer.decode(RemotePlayground.self).requests
        let table = TextTable(PlayedRequest.headings, requests.map(\.row)).text
        return ClientOutput(text: requests.isEmpty ? "Nothing has arrived yet." : table, json: answer.data)
    }

    /// Prints what arrives, a line each, until the task is cancelled or `count` have; comes back after a lost connection.
    ///
    /// - Parameters:
    ///   - last: The number of the request to begin after.
    ///   - count: How many; nil for no end.
    ///   - asJSON: Whether lines are the requests as JSON.
    ///   - show: Prints a line.
    ///   - note: Tells a person about the connection.
    /// - Throws: ``ClientFailure`` for what waiting does not fix.
    package func followPlayground(
        after last: Int64, count: Int?, asJSON: Bool, show: (String) -> Void, note: (String) -> Void
    ) async throws {
        var last = last
        var rest = count ?? .max
        while rest > 0 {
            try await Task.sleep(for: .milliseconds(500))
            guard let arrivals = try await arrivals(after: last, note: note) else {
                try await Task.sleep(for: .seconds(5))
                continue
            }
            for (request, text) in arrivals.prefix(rest) {
                show(asJSON ? String(decoding: text, as: UTF8.self) : request.line)
                rest -= 1
                last = request.number
            }
        }
    }

    /// What arrived since, the oldest first, with its JSON; nil where only waiting helps.
    private func arrivals(
        after last: Int64, note: (String) -> Void
    ) async throws(ClientFailure) -> [(PlayedRequest, ArraySlice<UInt8>)]? {
        do {
            let answer = try await call(.GET, Self.playground, query: [("after", "\(last)")])
            let requests = try answer.decode(RemotePlayground.self).requests
            return zip(requests, Self.requests(in: answer.data)).reversed()
        } catch {
            guard error.isTransient else { throw error }
            note("\(error); trying again in 5 seconds")
            return nil
        }
    }

    /// Deletes the playground with what arrived there, and the webhooks that lead there.
    package func closePlayground() async throws -> ClientOutput {
        let playground: RemotePlayground = try await call(.GET, Self.playground).decode()
        let webhooks: [RemoteWebhook] = try await listWebhooks().decode()
        for webhook in webhooks where webhook.url == playground.url { _ = try await deleteWebhook(webhook.id) }
        _ = try await exchange(.DELETE, Self.playground)
        return ClientOutput(text: "The playground and its webhook were deleted.", json: [])
    }

    private static func requests(in document: [UInt8]) -> [ArraySlice<UInt8>] {
        let members = (try? JSONScanner.members(of: document)) ?? []
        let array = members.first { $0.name.elementsEqual(#""requests""#.utf8) }?.value ?? []
        return (try? JSONScanner.elements(of: Array(array))) ?? []
    }

    private static let playground = "/v1/playground"
}

/// A playground as the server tells of it.
private struct RemotePlayground: Decodable {
    let url: String
    let requests: [PlayedRequest]
}

/// A request that arrived there.
private struct PlayedRequest: Decodable {
    let number: Int64
    let receivedAt: String
    let signature: String
    let signatureProblem: String?
    let eventProblem: String?
    let eventType: String?

    static let headings = ["NUMBER", "RECEIVED", "EVENT", "SIGNATURE", "PROBLEM"]

    private var problem: String { [signatureProblem, eventProblem].compactMap(\.self).joined(separator: "; ") }

    var row: [String] { ["\(number)", receivedAt, eventType ?? "-", signature, problem] }

    var line: String { row.map(\.printable).filter { !$0.isEmpty }.joined(separator: "  ") }
}
