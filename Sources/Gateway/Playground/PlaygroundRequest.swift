import Delivery
import Foundation
import JSON
import Storage
import Timestamps

/// The receiver of an account on this server.
struct Playground: Sendable, RowDecodable {
    let userID: UserID
    let token: String
    let createdAt: Timestamp

    init(userID: UserID, token: String, createdAt: Timestamp) {
        (self.userID, self.token, self.createdAt) = (userID, token, createdAt)
    }

    init(row: Row) throws {
        self.init(userID: try row.get("user_id"), token: try row.get("token"), createdAt: try row.get("created_at"))
    }
}

/// A request that arrived there, and what a receiver would make of it.
package struct PlaygroundRequest: Sendable {
    /// 1 for the first that ever arrived.
    package var number: Int64 = 0
    /// When it arrived.
    package let receivedAt: Timestamp
    /// Its method.
    package let method: String
    /// In the order they came; values that are not the gateway's are redacted.
    package let headers: [(name: String, value: String)]
    /// The first ``keptBytes`` bytes.
    package let body: [UInt8]
    /// How long the body was.
    package let size: Int
    /// What a receiver would make of it.
    package let verdict: PlaygroundVerdict

    /// The last 100 are kept.
    package static let kept = 100
    /// 64 KiB: an event with the longest SMS fits.
    static let keptBytes = 64 << 10
    /// What is kept of headers: more than any server sends.
    static let keptHeaders = 100
}

extension PlaygroundRequest: RowDecodable {
    package init(row: Row) throws {
        number = try row.get("number")
        receivedAt = try row.get("received_at")
        method = try row.get("method")
        headers = HeaderText.decode(try row.get("headers"))
        body = try row.get("body")
        size = try row.get("size")
        verdict = PlaygroundVerdict(
            signature: try row.get("signature"), signatureProblem: try row.find("signature_problem"),
            eventProblem: try row.find("event_problem"), eventType: try row.find("event_type"),
            eventID: try row.find("event_id"))
    }
}

extension PlaygroundRequest: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("number", number)
            o.field("received_at", receivedAt)
            o.field("method", method)
            o.field("signature", verdict.signature.rawValue)
            o.field("signature_problem", verdict.signatureProblem)
            o.field("event_problem", verdict.eventProblem)
            o.field("event_type", verdict.eventType)
            o.field("event_id", verdict.eventID)
            o.array("headers", of: headers) { json, header in
                json.object { o in
                    o.field("name", header.name)
                    o.field("value", header.value)
                }
            }
            let text = String(validating: body, as: UTF8.self)
            o.field("body", text ?? Data(body).base64EncodedString())
            o.field("body_encoding", text == nil ? "base64" : "text")
            o.field("size", size)
        }
    }
}

/// What the API tells of a playground.
package struct PlaygroundView: JSONWritable, Sendable {
    /// What webhooks that lead there have as their callback URL.
    package let url: String
    let createdAt: Timestamp
    /// The newest first.
    package let requests: [PlaygroundRequest]

    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("url", url)
            o.field("created_at", createdAt)
            o.field("requests", requests)
        }
    }
}
