import Foundation
import HTTPSMSWebhooks
import Hummingbird
import JSON
import NIOCore
import Timestamps

@testable import Gateway

extension FuzzTarget {
    /// JSON that comes in, and text that goes out as JSON.
    static let json: [FuzzTarget] = [request, scanner, writer]

    /// Members of every kind that the API takes.
    private struct Members: Decodable, Hashable {
        let text: String?
        let ownerID: Int?
        let ratio: Double?
        let isActive: Bool?
        let sendAt: Timestamp?
        let texts: [String]?
        let parts: [Part]?

        struct Part: Decodable, Hashable {
            let count: UInt32
            let contentType: String?
        }
    }

    private static let request = FuzzTarget(
        "json-request",
        words: [
            "\"text\":", "\"owner_id\":", "\"ratio\":", "\"is_active\":", "\"send_at\":", "\"texts\":[", "\"parts\":[{",
            "\"count\":", "\\u0000", "\\\\u0000", "\\ud800", "1e308", "-0", "9223372036854775808", "null", "{", "}",
        ]
    ) { bytes in
        let buffer = ByteBuffer(bytes: bytes)
        let lenient: Members? = try? Request.decodedLeniently(buffer, freeText: "text", besides: ["owner_id", "ratio"])
        let text = lenient?.text ?? ""
        try hold(!text.utf8.contains(0), "a text that is read leniently holds a NUL")
        guard let body: Members = try? Request.decoded(buffer) else { return }
        try hold(lenient == body, "what can be read is read in another way leniently")
        let texts = [body.text ?? ""] + (body.texts ?? []) + (body.parts ?? []).map { $0.contentType ?? "" }
        try hold(texts.allSatisfy { !$0.utf8.contains(0) }, "a text holds a NUL")
        try hold(try Request.decoded(buffer) == body, "the same bytes are read in two ways")
    }

    private static let scanner = FuzzTarget(
        "json-scanner", words: ["{", "}", "[", "]", "\"a\":", ",", "\\u12aB", "true", "false", "null", "-0.1e+9", "\\"]
    ) { bytes in
        _ = try? JSONScanner.elements(of: bytes)
        guard let members = try? JSONScanner.members(of: bytes) else { return }
        let inner = members.map { Array($0.name) + [UInt8(ascii: ":")] + $0.value }
        let object = [UInt8(ascii: "{")] + inner.joined(separator: [UInt8(ascii: ",")]) + [UInt8(ascii: "}")]
        let again = try JSONScanner.members(of: object)
        try hold(
            again.map { Array($0.name) } == members.map { Array($0.name) }, "names differ when they are read again")
        try hold(
            again.map { Array($0.value) } == members.map { Array($0.value) }, "values differ when they are read again")
        // What it takes for JSON is JSON; a number beyond Double and half a surrogate pair are, too, but not for Foundation.
        if !bytes.contains(UInt8(ascii: "e")), !bytes.contains(UInt8(ascii: "E")), !bytes.text.contains("\\u"),
            bytes.count < 300
        {
            try hold(
                (try? JSONSerialization.jsonObject(with: Data(bytes))) != nil, "Foundation does not take this JSON")
        }
    }

    /// Any text comes back from the JSON that is made of it.
    private static let writer = FuzzTarget("json-writer", words: ["\u{2028}", "\u{FFFD}", "<>&", "\"", "\\", "\0"]) {
        bytes in
        let text = bytes.text
        var json = JSONWriter()
        json.object { object in
            object.field("text", text)
            object.field(named: text, [text])
        }
        try hold(String(validating: json.bytes, as: UTF8.self) != nil, "what was written is not UTF-8")
        let members = try JSONScanner.members(of: json.bytes)
        try hold(members.count == 2, "\(members.count) members were read")
        let decoded = try JSONDecoder().decode(String.self, from: Data(members[0].value))
        try hold(Array(decoded.utf8) == Array(text.utf8), "the text differs when it is read again")
    }
}
