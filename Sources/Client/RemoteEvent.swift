import Foundation
import HTTPSMSWebhooks
import JSON
import Wire

/// An item of a server's event log.
struct RemoteEvent: Sendable {
    /// Its place in the log.
    let position: Int64
    let event: CloudEvent
    /// The CloudEvent as it came: what the server signs and sends.
    let body: [UInt8]
    /// The item as it came.
    let json: [UInt8]
    private let matches: [Match]

    private struct Match: Decodable {
        let webhookId: String
        let matched: Bool
        let reason: String?
        let deliveryId: String?
    }

    private struct Item: Decodable {
        let position: Int64
        let webhooks: [Match]
    }

    /// Reads an item of `GET /v1/events`, or the data of one of the stream.
    ///
    /// - Throws: ``ClientFailure`` when it is not one.
    init(_ json: [UInt8]) throws(ClientFailure) {
        do {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            let item = try decoder.decode(Item.self, fromAnswer: json)
            let event = try JSONScanner.members(of: json).first { $0.name.elementsEqual(#""event""#.utf8) }
            body = Array(event?.value ?? [])
            self.event = try CloudEvent(decoding: body)
            self.json = json
            position = item.position
            matches = item.webhooks
        } catch {
            throw ClientFailure(.serverFailed, "the server sent an event that this version cannot read")
        }
    }

    static let headings = ["POSITION", "TIME", "EVENT", "OWNER", "ID"]

    /// One row of a list.
    var row: [String] {
        ["\(position)", "\(event.time)", event.payload.type, event.payload.owner ?? "-", event.id]
    }

    /// One line of a log that grows.
    var line: String {
        "#\(position)  \(event.time)  \(event.payload.type.padding(to: 23))  \(event.payload.owner ?? "-")  \(event.id)"
            .printable
    }

    /// Everything about it, and what each webhook made of it.
    var description: String {
        let facts = TextList([
            ("position", "\(position)"), ("id", event.id), ("type", event.payload.type), ("time", "\(event.time)"),
            ("source", event.source), ("owner", event.payload.owner), ("message", event.payload.messageID),
            ("request id", event.payload.requestID), ("content", event.payload.content),
        ]).text
        if matches.isEmpty { return facts + "\n\nThe account had no webhook then." }
        let rows = matches.map { [$0.webhookId, $0.matched ? "yes" : $0.reason ?? "no", $0.deliveryId ?? "-"] }
        return facts + "\n\n" + TextTable(["WEBHOOK", "MATCHED", "DELIVERY"], rows).text
    }
}
