import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Synchronization
import TestSupport

/// Reads a stream of server-sent events the way a browser does, as far as ours uses the format.
final class EventStreamClient: Sendable {
    /// One event of the stream.
    struct Event: Sendable, Equatable {
        let id: String
        let type: String
        let data: JSON

        /// The text of the SMS that it tells of.
        var content: String { data["event"]["data"]["content"].string }
    }

    private let received = Mutex<[UInt8]>([])
    private let ended = Flag()

    /// Opens a stream while `body` runs; ends it afterwards.
    static func run(
        _ client: APIClient, _ query: String = "", lastEventID: String? = nil,
        body: (EventStreamClient, HTTPClientResponse) async throws -> Void
    ) async throws {
        var request = HTTPClientRequest(url: "\(client.baseURL)/v1/events/stream?\(query)")
        request.headers.add(name: "x-api-key", value: client.apiKey ?? "")
        if let lastEventID { request.headers.add(name: "Last-Event-ID", value: lastEventID) }
        try await run(request, body: body)
    }

    /// Opens the stream that `request` asks for while `body` runs; ends it afterwards.
    static func run(
        _ request: HTTPClientRequest, body: (EventStreamClient, HTTPClientResponse) async throws -> Void
    ) async throws {
        // A client of its own: the shared one opens no more than eight connections to a host.
        let http = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup)
        let result: Result<Void, any Error>
        do {
            let response = try await http.execute(request, deadline: .now() + .seconds(50))
            let stream = EventStreamClient()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for try await chunk in response.body {
                        stream.received.withLock { $0 += chunk.readableBytesView }
                    }
                    stream.ended.set()
                }
                try await body(stream, response)
                group.cancelAll()
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        try await http.shutdown()
        try result.get()
    }

    /// Everything that came, comments included.
    var text: String { String(decoding: received.withLock { $0 }, as: UTF8.self) }

    /// Whether the server ended the stream.
    var hasEnded: Bool { ended.isSet }

    /// The events that came whole.
    var events: [Event] {
        text.split(separator: "\n\n", omittingEmptySubsequences: false).dropLast().compactMap { frame in
            var fields: [Substring: String] = [:]
            for line in frame.split(separator: "\n") where !line.hasPrefix(":") {
                let parts = line.split(separator: ": ", maxSplits: 1)
                fields[parts[0]] = parts.count > 1 ? String(parts[1]) : ""
            }
            guard let id = fields["id"], let type = fields["event"], let data = fields["data"] else { return nil }
            // No expectation fits what is not JSON.
            return Event(
                id: id, type: type, data: (try? JSONDecoder().decode(JSON.self, from: Data(data.utf8))) ?? .absent)
        }
    }

    /// Waits until `count` events came, and gives all.
    func events(_ count: Int) async throws -> [Event] {
        try await eventually("\(count) events in \(text)") { events.count >= count ? events : nil }
    }
}
