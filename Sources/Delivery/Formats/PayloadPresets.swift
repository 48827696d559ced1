import Foundation
import HTTPSMSWebhooks
import JSON
import Timestamps

/// The built-in formats. What stands in an SMS is anybody's: it pings nobody, formats nothing and hides no link.
extension PayloadFormat.Preset {
    /// The request of `delivery`, nil for one that is only shown, for `event`, which is stored as `body`.
    func payload(of event: CloudEvent, body: [UInt8], delivery: String?) throws(PayloadFault) -> RenderedPayload {
        let summary = EventSummary(event)
        switch self {
        case .cloudEvents: return RenderedPayload(contentType: "application/json", bytes: body)
        case .slack: return Self.forSlack(summary)
        case .discord: return Self.forDiscord(summary)
        case .telegram: return Self.forTelegram(summary)
        case .ntfy: return Self.forNtfy(summary)
        case .teams: return Self.forTeams(summary)
        case .matrix: return Self.forMatrix(summary, event)
        case .form: return Self.forForm(summary, event, try EventFields(event))
        case .homeAssistant: return Self.forHomeAssistant(summary, event, try EventFields(event))
        case .cloudEventsExtended:
            let extended = try ExtendedEvent(event, stored: body, delivery: delivery)
            return RenderedPayload(contentType: "application/json", bytes: try extended.encoded())
        }
    }

    /// Text is cut at 40,000 characters (docs.slack.dev/changelog, "Truncating really long messages").
    private static func forSlack(_ summary: EventSummary) -> RenderedPayload {
        let text = clipped(summary, limit: 40_000, cost: ClippedText.utf16, SlackText())
        return json { o in
            o.field("text", text)
            o.field("mrkdwn", false)
            o.field("link_names", false)
            o.field("unfurl_links", false)
            o.field("unfurl_media", false)
        }
    }

    /// `content` has 2,000 characters; `allowed_mentions` without any parses none (discord.com/developers, "Allowed Mentions").
    /// Flag 4 shows no preview of links.
    private static func forDiscord(_ summary: EventSummary) -> RenderedPayload {
        let text = clipped(summary, limit: 2_000, cost: ClippedText.utf16, DiscordText())
        return json { o in
            o.field("content", text)
            o.object("allowed_mentions") { o in o.field("parse", [String]()) }
            o.field("flags", 4)
        }
    }

    /// A message has 4,096 characters, and without `parse_mode` no markup (core.telegram.org/bots/api#sendmessage).
    private static func forTelegram(_ summary: EventSummary) -> RenderedPayload {
        let text = clipped(summary, limit: 4_096, cost: ClippedText.utf16, TelegramText())
        return json { o in
            o.field("text", text)
            o.object("link_preview_options") { o in o.field("is_disabled", true) }
        }
    }

    /// A message has 4,096 bytes; a longer one becomes an attachment (docs.ntfy.sh/publish).
    private static func forNtfy(_ summary: EventSummary) -> RenderedPayload {
        var text = ClippedText(limit: 4_096, cost: ClippedText.utf8)
        text.append(summary.text)
        return RenderedPayload(contentType: "text/plain; charset=utf-8", bytes: Array(text.text.utf8))
    }

    /// A message has 28 KB, and a run of text no markup: an adaptive card in the envelope that workflows take.
    private static func forTeams(_ summary: EventSummary) -> RenderedPayload {
        var message = ClippedText(limit: 20_000, cost: ClippedText.json)
        message.append(summary.message)
        var title = ClippedText(limit: 1_000, cost: ClippedText.json)
        title.append(summary.title)
        let blocks = [(title.text, true), (message.text, false)].filter { !$0.0.isEmpty }
        return json { o in
            o.field("type", "message")
            o.array("attachments", of: CollectionOfOne(blocks)) { json, blocks in
                json.object { o in
                    o.field("contentType", "application/vnd.microsoft.card.adaptive")
                    o.object("content") { o in
                        o.field("$schema", "http://adaptivecards.io/schemas/adaptive-card.json")
                        o.field("type", "AdaptiveCard")
                        o.field("version", "1.4")
                        o.array("body", of: blocks) { json, block in
                            textBlock(block.0, isTitle: block.1, to: &json)
                        }
                    }
                }
            }
        }
    }

    private static func textBlock(_ text: String, isTitle: Bool, to json: inout JSONWriter) {
        json.object { o in
            o.field("type", "RichTextBlock")
            o.array("inlines", of: CollectionOfOne(text)) { json, text in
                json.object { o in
                    o.field("type", "TextRun")
                    o.field("text", text)
                    if isTitle { o.field("weight", "Bolder") }
                }
            }
        }
    }

    /// An event has 64 KiB (spec.matrix.org, "Size limits"). It is sent under the id of ours, so that a repeated delivery is one
    /// message. There is no formatted body, and `m.mentions` names nobody.
    private static func forMatrix(_ summary: EventSummary, _ event: CloudEvent) -> RenderedPayload {
        let text = clipped(summary, limit: 48_000, cost: ClippedText.json, MatrixText())
        var payload = json { o in
            o.field("msgtype", "m.text")
            o.field("body", text)
            o.object("m.mentions") { _ in }
        }
        payload.method = .put
        payload.pathSuffix = event.id.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
        return payload
    }

    /// One field for each member of the data; a list has as many as it has elements.
    private static func forForm(_ summary: EventSummary, _ event: CloudEvent, _ data: EventFields) -> RenderedPayload {
        let pairs =
            about(summary, event)
            + data.fields.flatMap { field in field.value.texts.map { (field.name, $0) } }
        let text = pairs.map { FormText.encoded($0) + "=" + FormText.encoded($1) }.joined(separator: "&")
        return RenderedPayload(contentType: "application/x-www-form-urlencoded", bytes: Array(text.utf8))
    }

    /// One flat object, so that an automation reads `trigger.json.content`.
    private static func forHomeAssistant(
        _ summary: EventSummary, _ event: CloudEvent, _ data: EventFields
    ) -> RenderedPayload {
        json { o in
            for (name, value) in about(summary, event) { o.field(named: name, value) }
            for field in data.fields { o.field(named: field.name, RawJSON(field.json)) }
        }
    }

    /// What stands before the data; no member of any data has such a name.
    private static func about(_ summary: EventSummary, _ event: CloudEvent) -> [(String, String)] {
        [
            ("event_id", event.id), ("event_type", event.payload.type), ("event_source", event.source),
            ("event_time", event.time.rfc3339), ("title", summary.title), ("message", summary.message),
        ]
    }

    /// Title and message as the chat has to be told them.
    private static func clipped(
        _ summary: EventSummary, limit: Int, cost: @escaping (Unicode.Scalar) -> Int, _ escaping: some ChatEscaping
    ) -> String {
        var text = ClippedText(limit: limit, cost: cost)
        var escaping = escaping
        text.append(summary.text) { escaping.escape($0) }
        return text.text
    }

    private static func json(_ body: (inout JSONObjectWriter) -> Void) -> RenderedPayload {
        var json = JSONWriter()
        json.object(body)
        return RenderedPayload(contentType: "application/json", bytes: json.bytes)
    }
}

/// The encoding of forms (`application/x-www-form-urlencoded`).
enum FormText {
    /// `text` in UTF-8, a space as `+`.
    static func encoded(_ text: String) -> String {
        var encoded: [UInt8] = []
        encoded.reserveCapacity(text.utf8.count * 3 / 2)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "*"):
                encoded.append(byte)
            case UInt8(ascii: " "): encoded.append(UInt8(ascii: "+"))
            default: encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    private static let digits = Array("0123456789ABCDEF".utf8)
}
