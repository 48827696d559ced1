import Foundation
import HTTPSMSWebhooks
import Testing
import Timestamps

@testable import Delivery

/// What each format makes of an event: the rules of each service, and what an SMS must not do there.
struct PayloadPresetTests {
    @Test func cloudEventsAreTheStoredBytes() throws {
        let body = Array("whatever is stored, \u{0} too".utf8)

        let payload = try PayloadRenderer(.cloudEvents).payload(of: body)

        #expect(payload == RenderedPayload(contentType: "application/json", bytes: body))
    }

    @Test(arguments: PayloadFormat.Preset.allCases, EventType.allCases)
    func everyEventHasTheSameBytesEachTime(preset: PayloadFormat.Preset, type: EventType) throws {
        for event in [type.declaration.sample, type.declaration.awkward] {
            let payload = try Self.payload(preset, event)

            #expect(try payload == Self.payload(preset, event))
            #expect(!payload.bytes.isEmpty)
            if payload.contentType == "application/json" {
                _ = try JSONSerialization.jsonObject(with: Data(payload.bytes))
            }
        }
    }

    /// As the URL Standard has it (section 5.2), by another encoder.
    @Test func formsAreEncodedByteByByte() {
        let kept = CharacterSet(
            charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._* ")
        for text in ["", "a b+c", "Grüße & 100 %", "\0\r\n\t~'()!", "😀 Привет", "*-._"] {
            let expected = text.addingPercentEncoding(withAllowedCharacters: kept)?.replacing(" ", with: "+")
            #expect(FormText.encoded(text) == expected)
        }
    }

    @Test(arguments: [
        ("Hello", "Hello"),
        ("<!channel> <@U123> <https://evil|bank>", "&lt;!channel&gt; &lt;@\u{2060}U123&gt; &lt;https://evil|bank&gt;"),
        ("a & b &lt;", "a &amp; b &amp;lt;"), ("*bold* me@example.com", "*bold* me@example.com"),
        // Mattermost and Rocket.Chat find names without brackets.
        ("@here", "@\u{2060}here"), ("<@all>", "&lt;@\u{2060}all&gt;"), ("now,@channel", "now,@\u{2060}channel"),
    ])
    func slackReadsNoMarkup(content: String, shown: String) throws {
        let json = try Self.json(.slack, content)

        #expect(json["text"] as? String == "SMS from +18005550100 to +18005550199\n" + shown)
        #expect(json["mrkdwn"] as? Bool == false && json["link_names"] as? Bool == false)
    }

    @Test(arguments: [
        ("@everyone @here <@123>", "@everyone @here \\<@123\\>"),
        ("[bank](https://evil.example)", "\\[bank\\](https://evil.example)"),
        ("https://a.example/x_y_z~1 a_b", "https://a.example/x_y_z~1 a\\_b"),
        ("# big\n**b**", "\\# big\n\\*\\*b\\*\\*"),
        ("`code` ||x||", "\\`code\\` \\|\\|x\\|\\|"), ("\\*", "\\\\\\*"), ("xhttps://a_b", "xhttps://a\\_b"),
    ])
    func discordPingsNobodyAndFormatsNothing(content: String, shown: String) throws {
        let json = try Self.json(.discord, content)

        #expect(json["content"] as? String == "SMS from +18005550100 to +18005550199\n" + shown)
        #expect((json["allowed_mentions"] as? [String: [String]]) == ["parse": []])
    }

    @Test(arguments: [
        ("@admin hello", "@\u{2060}admin hello"), ("me@example.com", "me@example.com"),
        ("(@admin)", "(@\u{2060}admin)"), (".@admin", ".@\u{2060}admin"), ("é@admin", "é@\u{2060}admin"),
        ("e\u{301}@admin", "e\u{301}@\u{2060}admin"), ("Ⓐ@admin", "Ⓐ@\u{2060}admin"), ("@@a", "@\u{2060}@\u{2060}a"),
        ("<b>&amp;</b>", "<b>&amp;</\u{2060}b>"),
        ("/stop now\n/start", "/\u{2060}stop now\n/\u{2060}start"),
        ("https://a.example/b 1/2", "https://a.example/b 1/2"),
    ])
    func telegramReadsNoMarkup(content: String, shown: String) throws {
        let json = try Self.json(.telegram, content)

        #expect(json["text"] as? String == "SMS from +18005550100 to +18005550199\n" + shown)
        #expect(json["parse_mode"] == nil)
    }

    /// The contact is written by whoever sends an SMS, too.
    @Test func aTitleIsOneLineAndPingsNobody() throws {
        guard case .messageReceived(var data) = EventType.messageReceived.declaration.sample.payload else { return }
        data.contact = "@all\n@channel\u{2028}x"
        let event = Self.event(.messageReceived(data))

        #expect(EventSummary(event).title == "SMS from @all @channel x to +18005550199")
        for preset in [PayloadFormat.Preset.slack, .telegram] {
            let text = try #require(try Self.json(preset, event)["text"] as? String)
            #expect(text.hasPrefix("SMS from @\u{2060}all @\u{2060}channel x to +18005550199\n"))
        }
    }

    @Test func matrixIsSentOnceUnderTheIDOfTheEvent() throws {
        let event = EventType.messageReceived.declaration.awkward
        let payload = try Self.payload(.matrix, event)
        let json = try #require(JSONSerialization.jsonObject(with: Data(payload.bytes)) as? [String: Any])

        #expect(payload.method == .put && payload.pathSuffix == event.id)
        #expect(json["msgtype"] as? String == "m.text" && json["format"] == nil && json["formatted_body"] == nil)
        #expect((json["m.mentions"] as? [String: Any])?.isEmpty == true)
    }

    @Test func teamsGetsTextWithoutMarkup() throws {
        let json = try Self.json(.teams, "[bank](https://evil.example) <at>all</at>")
        let attachment = try #require((json["attachments"] as? [[String: Any]])?.first)
        let card = try #require(attachment["content"] as? [String: Any])
        let blocks = try #require(card["body"] as? [[String: Any]])

        #expect(json["type"] as? String == "message")
        #expect(attachment["contentType"] as? String == "application/vnd.microsoft.card.adaptive")
        #expect(card["type"] as? String == "AdaptiveCard")
        #expect(blocks.allSatisfy { $0["type"] as? String == "RichTextBlock" })
        let runs = blocks.compactMap { ($0["inlines"] as? [[String: Any]])?.first?["text"] as? String }
        #expect(runs == ["SMS from +18005550100 to +18005550199", "[bank](https://evil.example) <at>all</at>"])
    }

    @Test func aFormHasAFieldForEachMember() throws {
        let payload = try Self.payload(.form, Self.received("a=1&b c\né"))
        let text = String(decoding: payload.bytes, as: UTF8.self)

        #expect(payload.contentType == "application/x-www-form-urlencoded")
        #expect(text.hasPrefix("event_id=f4aed1d3-ab4f-42b9-b9dd-9fc7182f7197&event_type=message.phone.received&"))
        #expect(text.contains("&contact=%2B18005550100&"))
        #expect(text.contains("&content=a%3D1%26b+c%0A%C3%A9&"))
        #expect(text.contains("&encrypted=false&"))
        #expect(text.hasSuffix("&attachments=https%3A%2F%2Fapi.example.com%2Fa.jpg"))
    }

    @Test func homeAssistantGetsOneFlatObject() throws {
        let json = try Self.json(.homeAssistant, "Open the door")

        #expect(json["event_type"] as? String == "message.phone.received")
        #expect(json["content"] as? String == "Open the door" && json["contact"] as? String == "+18005550100")
        #expect(json["encrypted"] as? Bool == false)
        #expect(json["title"] as? String == "SMS from +18005550100 to +18005550199")
        #expect(try Self.json(.homeAssistant, EventType.messageFailed.declaration.sample)["request_id"] is NSNull)
    }

    @Test(arguments: [
        (PayloadFormat.Preset.slack, "text", 40_000), (.discord, "content", 2_000), (.telegram, "text", 4_096),
    ])
    func textStaysWithinTheLimitOfTheService(preset: PayloadFormat.Preset, member: String, limit: Int) throws {
        for filler in ["a", "<", "*", "@", "\u{1F600}", "e\u{301}", "\n", "\\"] {
            let json = try Self.json(preset, String(repeating: filler, count: limit + 10))
            let text = try #require(json[member] as? String)

            #expect(text.utf16.count <= limit && text.utf16.count > limit - 12)
            #expect(text.hasSuffix("…"))
        }
        let fits = limit - "SMS from +18005550100 to +18005550199\n".utf16.count
        #expect(try (Self.json(preset, String(repeating: "a", count: fits))[member] as? String)?.hasSuffix("a") == true)
    }

    @Test func bytesStayWithinTheLimitOfTheService() throws {
        for filler in ["a", "\"", "\u{1}", "\u{1F600}", "<"] {
            let event = Self.received(String(repeating: filler, count: 60_000))

            #expect(try Self.payload(.ntfy, event).bytes.count <= 4_096)
            #expect(try Self.payload(.teams, event).bytes.count <= 28_000)
            #expect(try Self.payload(.matrix, event).bytes.count <= 60_000)
        }
    }

    @Test func whatIsNoEventIsAFault() throws {
        let renderer = try PayloadRenderer(.preset(.slack))

        for body in ["", "{}", "[]", "{\"specversion\":\"1.0\"}"] {
            #expect(throws: PayloadFault.self) { try renderer.payload(of: Array(body.utf8)) }
        }
    }

    @Test func encryptedTextIsNotShown() throws {
        guard case .messageReceived(var data) = EventType.messageReceived.declaration.sample.payload else { return }
        data.isEncrypted = true

        #expect(EventSummary(Self.event(.messageReceived(data))).message.hasPrefix("(encrypted)\n"))
    }

    private static func event(_ payload: EventPayload) -> CloudEvent {
        var event = EventType.messageReceived.declaration.sample
        event.payload = payload
        return event
    }

    static func received(_ content: String) -> CloudEvent {
        guard case .messageReceived(var data) = EventType.messageReceived.declaration.sample.payload else {
            return EventType.messageReceived.declaration.sample
        }
        data.content = content
        data.attachments = ["https://api.example.com/a.jpg"]
        return event(.messageReceived(data))
    }

    private static func payload(_ preset: PayloadFormat.Preset, _ event: CloudEvent) throws -> RenderedPayload {
        try PayloadRenderer(.preset(preset)).payload(of: event.encoded())
    }

    private static func json(_ preset: PayloadFormat.Preset, _ content: String) throws -> [String: Any] {
        guard case .messageReceived(var data) = received(content).payload else { return [:] }
        if preset != .homeAssistant { data.attachments = [] }
        return try json(preset, event(.messageReceived(data)))
    }

    private static func json(_ preset: PayloadFormat.Preset, _ event: CloudEvent) throws -> [String: Any] {
        let bytes = try payload(preset, event).bytes
        return try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }
}
