import HTTPSMSWebhooks
import JSON
import Storage
import Timestamps

/// A request to a hook, kept so that its owner sees what the app sends and how it was read.
package struct ForwardedRequest: Sendable {
    let id: ID<ForwardedRequest>
    /// When it came.
    package let receivedAt: Timestamp
    /// The method of the request.
    package let method: String
    /// These three are cut, see ``maximumBody``.
    package let contentType: String
    /// The query string; empty when there was none.
    package let query: String
    /// The body as text, cut to what is kept.
    package let body: String
    /// What it was answered with.
    package let status: Int
    /// The sentence of the answer.
    package let answer: String
    /// The message that it made or repeated; nil when it was refused.
    package let messageID: MessageID?
    /// What was read, in the order of ``ForwardedPart``.
    package let readings: [Reading]

    /// A part of an SMS, where it stood and what it was read as.
    package struct Reading: Sendable, Equatable {
        /// What of it was asked about.
        package let part: ForwardedPart
        /// The name or the pointer; empty where nothing was found.
        package let place: String
        /// Cut to ``maximumValue`` characters.
        package let value: String
    }

    /// Requests that are kept of each forwarder.
    static let kept = 10
    /// Characters of a body that are kept, more than an SMS with its names has. Of a query it is as many.
    static let maximumBody = 4_096
    /// Characters of a value and of a type.
    static let maximumValue = 255
}

extension ForwardedRequest: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("id", id.text)
            o.field("received_at", receivedAt)
            o.field("method", method)
            o.field("content_type", contentType)
            o.field("query", query)
            o.field("body", body)
            o.field("status", status)
            o.field("answer", answer)
            o.field("message_id", messageID?.text)
            o.field("readings", readings)
        }
    }
}

extension ForwardedRequest.Reading: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("part", part.rawValue)
            o.field("place", place)
            o.field("value", value)
        }
    }
}

extension ForwardedRequest: RowDecodable {
    package init(row: Row) throws {
        id = try row.get("id")
        receivedAt = try row.get("received_at")
        method = try row.get("method")
        contentType = try row.get("content_type")
        query = try row.get("query")
        body = try row.get("body")
        status = try row.get("status")
        answer = try row.get("answer")
        messageID = try row.find("message_id")
        readings = Reading.all(stored: try row.get("readings"))
    }
}

extension ForwardedRequest.Reading {
    private static let (between, behind): (Character, Character) = ("\u{1F}", "\u{1E}")

    /// As they are stored: part, place and value with the separators that ASCII has for that.
    static func stored(_ readings: [Self]) -> String {
        readings.map { reading in
            [reading.part.rawValue, clean(reading.place), clean(reading.value)].joined(separator: String(between))
        }.joined(separator: String(behind))
    }

    /// Reads what ``stored(_:)`` wrote.
    static func all(stored text: String) -> [Self] {
        text.split(separator: behind).compactMap { line in
            let parts = line.split(separator: between, omittingEmptySubsequences: false)
            guard parts.count == 3, let part = ForwardedPart(rawValue: String(parts[0])) else { return nil }
            return Self(part: part, place: String(parts[1]), value: String(parts[2]))
        }
    }

    private static func clean(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.prefix(ForwardedRequest.maximumValue).map {
                    $0 == "\u{1F}" || $0 == "\u{1E}" || $0 == "\0" ? "\u{FFFD}" : $0
                }))
    }
}
