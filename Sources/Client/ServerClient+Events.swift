import AsyncHTTPClient
import Foundation
import HTTPSMSWebhooks
import JSON
import NIOCore
import NIOHTTP1
import Wire

extension ServerClient {
    /// Which events are meant; nil for all.
    package struct EventFilter: Sendable {
        /// Types, separated by commas.
        package var types: String?
        /// The number of a phone.
        package var owner: String?

        /// Asks for some.
        package init(types: String? = nil, owner: String? = nil) {
            self.types = types
            self.owner = owner
        }

        fileprivate var query: [(String, String?)] { [("types", types), ("owner", owner)] }
    }

    /// A page of the log: the newest first, or the oldest after a position.
    package func events(
        _ filter: EventFilter, after: Int64?, limit: Int, cursor: String? = nil
    ) async throws -> ClientOutput {
        let answer = try await call(
            .GET, "/v1/events",
            query: filter.query + [("after", after.map { "\($0)" }), ("limit", "\(limit)"), Self.start(cursor)])
        let events = try JSONScanner.elements(of: answer.data).map { try RemoteEvent(Array($0)) }
        let table = TextTable(RemoteEvent.headings, events.map(\.row)).text
        return ClientOutput(
            text: events.isEmpty ? "No events." : table, json: answer.data, next: answer.nextCursor)
    }

    /// One event and what each webhook made of it.
    package func event(_ id: String) async throws -> ClientOutput {
        let answer = try await call(.GET, "/v1/events/\(id.percentEncoded)")
        return ClientOutput(text: try RemoteEvent(answer.data).description, json: answer.data)
    }

    /// Prints events as they happen, a line each, until the task is cancelled; comes back after a lost connection.
    ///
    /// - Parameters:
    ///   - filter: Which events.
    ///   - after: The position to begin after; nil for now.
    ///   - asJSON: Whether lines are the items as JSON.
    ///   - show: Prints a line.
    ///   - note: Tells a person about the connection.
    /// - Throws: ``ClientFailure`` for what waiting does not fix.
    package func tailEvents(
        _ filter: EventFilter, after: Int64?, asJSON: Bool, show: (String) -> Void, note: (String) -> Void
    ) async throws {
        try await follow(filter, after: after, note: note) { event in
            show(asJSON ? String(decoding: event.json, as: UTF8.self) : event.line)
        }
    }

    /// Hands every event to `take`, in order, each once; comes back after a lost connection where it was.
    ///
    /// Waits 1 s before it comes back, then twice as long each time, 30 s at most.
    func follow(
        _ filter: EventFilter, after: Int64?, note: (String) -> Void, take: (RemoteEvent) async throws -> Void
    ) async throws {
        var place = Place(position: after)
        var wait = Duration.seconds(1)
        while true {
            do {
                try await stream(filter, from: &place, note: note) { event in
                    wait = .seconds(1)
                    try await take(event)
                }
                note("the server ended the stream; coming back in \(wait)")
            } catch let failure as ClientFailure where failure.isTransient && place.wasReached {
                note("\(failure); trying again in \(wait)")
            }
            try await Task.sleep(for: wait)
            wait = min(wait * 2, .seconds(30))
        }
    }

    /// Where a stream goes on, and whether it ever began.
    private struct Place {
        var position: Int64?
        var wasReached = false
    }

    /// Follows one connection to its end, and keeps `place` at what was taken last.
    private func stream(
        _ filter: EventFilter, from place: inout Place, note: (String) -> Void,
        take: (RemoteEvent) async throws -> Void
    ) async throws {
        var request = request(.GET, "/v1/events/stream", query: filter.query)
        request.headers.add(name: "Accept", value: "text/event-stream")
        if let position = place.position { request.headers.add(name: "Last-Event-ID", value: "\(position)") }
        do {
            let response = try await http.execute(request, deadline: .distantFuture)
            try Self.refuseRedirect(response, from: settings.url)
            guard response.status == .ok else {
                let body = try await response.body.collect(upTo: 1 << 20)
                throw refusal(Int(response.status.code), Array(buffer: body))
            }
            guard response.headers.first(name: "Content-Type")?.lowercased().hasPrefix("text/event-stream") == true
            else {
                throw ClientFailure(
                    .refused, "\(settings.url) answered with something else than events: is --url or HTTPSMS_URL right?"
                )
            }
            place.wasReached = true
            note("connected to \(settings.url)")
            var parser = EventStreamParser()
            for try await part in response.body {
                for found in try parser.parse(part.readableBytesView) {
                    switch found {
                    case .opened(let position): place.position = place.position ?? position
                    case .event(let data):
                        let event = try RemoteEvent(data)
                        try await take(event)
                        place.position = event.position
                    }
                }
            }
        } catch let failure as ClientFailure {
            throw failure
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw unreachable(error)
        }
    }
}
