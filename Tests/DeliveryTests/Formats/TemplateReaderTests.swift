import HTTPSMSWebhooks
import Testing

@testable import Delivery

/// Templates as strangers write them: which names there are, what it costs to read one, and what becomes of white space.
struct TemplateReaderTests {
    @Test(arguments: [
        "{{data.content.text}}", "{{{data.content.text}}}", "{{&data.content.budget}}", "{{id.budget.left}}",
        "{{id.id}}",
        "{{#id.text}}x{{/id.text}}", "{{^text.isEmpty}}x{{/text.isEmpty}}", "{{event.id}}",
        "{{data.attachments.count}}",
        "{{data.data.content}}", "{{#data}}{{content.text}}{{/data}}",
        "{{#data.attachments}}{{id.text}}{{/data.attachments}}",
        "{{.}}", "{{{.}}}", "{{#.}}x{{/.}}", "{{^data.attachments}}{{.}}{{/data.attachments}}",
        "{{#data.attachments}}x{{/data.attachments}}{{.}}",
    ])
    func onlyTheDataHasMembersAndThePointNeedsASection(template: String) {
        let fault = #expect(throws: PayloadFault.self) {
            try PayloadTemplate(method: .post, contentType: "text/plain", body: template).check(for: EventType.allCases)
        }

        #expect(fault == .template("line 1: between braces stands the name of a member, such as data.content"))
    }

    @Test(
        arguments: [
            (
                "{{id}}{{data..content}}",
                [.variable(.event(.id), isEscaped: true), .variable(.member("content"), isEscaped: true)]
            ),
            ("{{&self}}{{a.b.c}}", [.variable(.nothing, isEscaped: false), .variable(.nothing, isEscaped: true)]),
            (
                "{{#data}}{{ id }}{{/data}}",
                [
                    .section(.event(.data), isInverted: false, end: 2),
                    .variable(.memberOrEvent("id", .id), isEscaped: true),
                ]
            ),
            (
                "a{{^data.x}}{{first()}}b{{/data.x}}{{! c }}d",
                [
                    .literal(0..<1), .section(.member("x"), isInverted: true, end: 4),
                    .variable(.isFirst, isEscaped: true),
                    .literal(23..<24), .literal(43..<44),
                ]
            ),
        ] as [(String, [TemplateNode])])
    func aTemplateIsAFlatList(template: String, nodes: [TemplateNode]) throws {
        var reader = TemplateReader(template)
        let found = try reader.read()

        #expect(found.nodes == nodes)
    }

    /// A tag that has its line for itself takes the line with it; white space elsewhere stays.
    @Test(arguments: [
        ("a\n  {{#id}}  \nb\n\t{{/id}}\nc", "a\nb\nc"), ("a\r\n{{#id}}\r\nb\r\n{{/id}}\r\nc", "a\r\nb\r\nc"),
        ("  {{#id}}{{/id}}\nx", "  \nx"), ("a {{#id}}\nb\n{{/id}}\nc", "a \nb\nc"), ("  {{! c }}\nx", "x"),
        (" {{! c }} x", "  x"), ("x {{! c }}\ny", "x \ny"), ("{{! a }} {{! b }}\nx", " \nx"), ("x\n  {{! c }}", "x\n"),
        ("  {{data.none}}\nx", "  \nx"), ("{{#id}}\n  {{/id}}", ""), ("x  ", "x  "), ("x\n  ", "x\n"),
        ("x\r {{! c }}\ny", "x\r \ny"),
        ("{{#data.none}}\nx\n{{/data.none}}\n{{^data.none}}\ny\n{{/data.none}}\n", "y\n"), ("", ""), ("{", "{"),
        ("}}", "}}"),
        ("{{!}}", ""), ("{ {{{data.none}}} }", "{  }"),
    ])
    func aTagAloneInItsLineTakesTheLine(template: String, body: String) throws {
        let event = EventType.messageReceived.declaration.sample
        let compiled = try CompiledTemplate(PayloadTemplate(method: .post, contentType: "text/plain", body: template))
        let payload = try compiled.payload(of: event, body: event.encoded())

        #expect(String(decoding: payload.bytes, as: UTF8.self) == body)
    }

    @Test(arguments: [
        "{", "{{", "{ {", "{ ", "}", "{{{", "{{#", "{{! ", "{{id", "{{id}}", "{{! }}    ", "  \n",
        "{{#id}}\n{{/id}} \n", "\u{e9}{",
        "\u{1F600}", "{\u{301}", "{{id\u{301}", "{{\u{2003}", "\r\n", "\r",
    ])
    func noByteIsLookedAtMoreThanTwice(piece: String) {
        for count in [4_000, 8_000, 16_000] {
            let template = String(repeating: piece, count: count)
            var reader = TemplateReader(template)
            // What is refused was looked at, too.
            _ = try? reader.read()

            #expect(reader.bytesExamined <= 2 * template.utf8.count)
        }
    }
}
