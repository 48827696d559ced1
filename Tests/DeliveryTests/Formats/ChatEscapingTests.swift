import Foundation
import HTTPSMSWebhooks
import Testing

@testable import Delivery

/// What chats must not read into a text, in the words of those who write it: people who send SMS, and those who name contacts.
struct ChatEscapingTests {
    @Test(arguments: [
        ("@channel", "@\u{2060}channel"), ("see.@here", "see.@\u{2060}here"), ("_@all_", "_@\u{2060}all_"),
        ("a-@all é@all", "a-@\u{2060}all é@\u{2060}all"), ("@@jim", "@\u{2060}@\u{2060}jim"),
        ("me@example.com 1@2", "me@example.com 1@2"), ("<!channel>", "&lt;!channel&gt;"),
        ("<@U1|x>", "&lt;@\u{2060}U1|x&gt;"),
        ("&#64;all &lt;", "&amp;#64;all &amp;lt;"), ("[bank](https://evil)", "[bank]\u{2060}(https://evil)"),
        ("[bank][1]\n[1]: https://evil", "[bank]\u{2060}[1]\u{2060}\n[1]\u{2060}: https://evil"),
        ("![](https://evil/x.png)", "![]\u{2060}(https://evil/x.png)"), ("", ""), ("@", "@\u{2060}"),
    ])
    func slackAndMattermost(text: String, written: String) {
        #expect(Self.written(text, SlackText()) == written)
    }

    @Test(arguments: [
        ("@admin", "@\u{2060}admin"), ("see.@admin", "see.@\u{2060}admin"), ("½@admin", "½@\u{2060}admin"),
        ("me@example.com", "me@example.com"), ("/start", "/\u{2060}start"), ("now:/stop@bot", "now:/\u{2060}stop@bot"),
        ("https://a.example/b", "https://a.example/b"), ("1/2 and/or / //x", "1/2 and/or / //x"), ("", ""), ("/", "/"),
        ("<a href='tg://user?id=1'>", "<a href='tg://user?id=1'>"),
    ])
    func telegram(text: String, written: String) {
        #expect(Self.written(text, TelegramText()) == written)
    }

    @Test(arguments: [
        ("@room", "@\u{2060}room"), ("@jim:example.org", "@\u{2060}jim:example.org"),
        ("me@example.com", "me@example.com"),
        ("<b> [a](b) /me", "<b> [a](b) /me"),
    ])
    func matrix(text: String, written: String) {
        #expect(Self.written(text, MatrixText()) == written)
    }

    @Test(arguments: [
        ("<@123> <@&4>", "\\<@123\\> \\<@&4\\>"), ("[bank](https://evil)", "\\[bank\\](https://evil)"),
        ("https://a/x_y z_", "https://a/x_y z\\_"), ("", ""),
    ])
    func discord(text: String, written: String) {
        #expect(Self.written(text, DiscordText()) == written)
    }

    /// Senders of SMS name themselves, and an alert names what the user named.
    @Test(arguments: [
        (PayloadFormat.Preset.slack, "text", "@\u{2060}all &lt;!here&gt; [a]\u{2060}(b) /x"),
        (.telegram, "text", "@\u{2060}all <!here> [a](b) /\u{2060}x"),
        (.matrix, "body", "@\u{2060}all <!here> [a](b) /x"),
        (.discord, "content", "@all \\<!here\\> \\[a\\](b) /x"),
    ])
    func titlesAreWrittenAsMessagesAre(preset: PayloadFormat.Preset, member: String, written: String) throws {
        let words = "@all <!here> [a](b) /x"
        var event = EventType.messageReceived.declaration.sample
        guard case .messageReceived(var data) = event.payload else { return }
        data.contact = words
        data.content = words
        data.attachments = []
        event.payload = .messageReceived(data)
        var alert = event
        alert.payload = .unknown(
            type: "phone.offline", data: Array("{\"title\":\"\(words)\",\"message\":\"\(words)\"}".utf8))

        #expect(try Self.text(preset, member, event) == "SMS from \(written) to +18005550199\n\(written)")
        #expect(try Self.text(preset, member, alert) == "\(written)\n\(written)")
    }

    private static func written(_ text: String, _ escaping: some ChatEscaping) -> String {
        var escaping = escaping
        return text.unicodeScalars.map { escaping.escape($0) ?? String($0) }.joined()
    }

    private static func text(_ preset: PayloadFormat.Preset, _ member: String, _ event: CloudEvent) throws -> String? {
        let bytes = try PayloadRenderer(.preset(preset)).payload(of: event.encoded()).bytes
        let json = try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        return json[member] as? String
    }
}
