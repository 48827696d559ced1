import Foundation
import HTTPSMSWebhooks
import Testing

@testable import Delivery

/// Templates of users: what they can say, and what they cannot cost.
struct PayloadTemplateTests {
    @Test(arguments: [
        (
            "text/plain", "{{type}} {{data.contact}}: {{data.content}}",
            "message.phone.received +18005550100: a \"b\" <c> & d"
        ),
        ("application/json", #"{"t":"{{data.content}}"}"#, #"{"t":"a \"b\" \u003cc\u003e \u0026 d"}"#),
        (
            "application/vnd.x+json; charset=utf-8", #"{"t":"{{data.content}}","e":{{data.encrypted}}}"#,
            #"{"t":"a \"b\" \u003cc\u003e \u0026 d","e":false}"#
        ),
        (
            "application/x-www-form-urlencoded", "m={{data.content}}&raw={{{data.content}}}",
            "m=a+%22b%22+%3Cc%3E+%26+d&raw=a \"b\" <c> & d"
        ),
        ("text/html", "<p>{{data.content}}</p>", "<p>a &quot;b&quot; &lt;c&gt; &amp; d</p>"),
        ("text/plain", "{{^data.request_id}}none{{/data.request_id}}{{data.missing}}{{nothing.at.all}}", "none"),
        (
            "text/plain", "{{#data.attachments}}{{.}}{{^last()}}, {{/last()}}{{/data.attachments}}",
            "https://api.example.com/a.jpg"
        ),
        ("text/plain", "{{! a comment {{ }}x{{&title}}", "xSMS from +18005550100 to +18005550199"),
        ("text/plain", "{{#data}}{{contact}}{{/data}}", "+18005550100"),
        (
            "text/plain", "  {{#data.content}}\nyes\n  {{/data.content}}\n{ {{id}} }",
            "yes\n{ f4aed1d3-ab4f-42b9-b9dd-9fc7182f7197 }"
        ),
    ])
    func valuesAreEscapedAsTheContentTypeNeedsIt(contentType: String, template: String, body: String) throws {
        let renderer = try PayloadRenderer(Self.format(template, contentType))
        let payload = try renderer.payload(of: PayloadPresetTests.received("a \"b\" <c> & d").encoded())

        #expect(String(decoding: payload.bytes, as: UTF8.self) == body)
        #expect(payload.contentType == contentType && payload.method == .put)
    }

    @Test func threeBracesGiveTheEventAndItsDataAsJSON() throws {
        let event = EventType.messageReceived.declaration.awkward
        let renderer = try PayloadRenderer(Self.format(#"{"event":{{{event}}},"data":{{{data}}}}"#, "application/json"))
        let payload = try renderer.payload(of: event.encoded())

        let expected = #"{"event":"# + String(decoding: event.encoded(), as: UTF8.self) + #","data":"#
        #expect(String(decoding: payload.bytes, as: UTF8.self).hasPrefix(expected))
        _ = try JSONSerialization.jsonObject(with: Data(payload.bytes))
    }

    @Test func whatAnSMSHoldsIsNoTemplate() throws {
        let renderer = try PayloadRenderer(Self.format("{{data.content}}", "text/plain"))
        let payload = try renderer.payload(of: PayloadPresetTests.received("{{data.contact}} {{#data}}").encoded())

        #expect(String(decoding: payload.bytes, as: UTF8.self) == "{{data.contact}} {{#data}}")
    }

    @Test(
        arguments: [
            ("{{#data}}", "line 1: the section data is not closed"),
            ("a\n{{/data}}", "line 2: no section is open at /data"),
            ("{{#data}}{{/id}}", "line 1: /id ends the section data"), ("x {{id", "line 1: a tag is not closed"),
            ("x {{", "line 1: the last tag is not closed"), ("{{{id}}", "line 1: a tag is not closed"),
            ("{{>partial}}", "line 1: tags that begin with > are not supported"),
            ("{{<a}}{{$b}}{{/b}}{{/a}}", "line 1: tags that begin with < are not supported"),
            ("{{=<% %>=}}", "line 1: tags that begin with = are not supported"),
            ("{{% CONTENT_TYPE:TEXT}}", "line 1: tags that begin with % are not supported"),
            ("{{}}", nil), ("{{ }}", nil), ("{{a b}}", nil), ("{{uppercased(id)}}", nil), ("{{a(b}}", nil),
            ("{{{{id}}}}", nil), ("{{..}}", nil),
            ("{{.id}}", nil), ("{{\u{e9}}}", nil), ("{{id\u{301}}}", nil),
            (
                "{{#data.attachments}}{{#data.attachments}}{{/data.attachments}}{{/data.attachments}}",
                "line 1: the section data.attachments stands in itself"
            ),
        ] as [(String, String?)])
    func whatIsNoTemplateIsRefusedInWords(template: String, reason: String?) throws {
        let fault = #expect(throws: PayloadFault.self) { try PayloadRenderer(Self.format(template, "text/plain")) }

        #expect(
            fault.map { "\($0)" } == reason
                ?? "line 1: between braces stands the name of a member, such as data.content")
    }

    @Test func depthTagsAndSizeAreBounded() throws {
        let names = (0..<9).map { "a\($0)" }
        let deep = names.map { "{{#\($0)}}" }.joined() + names.reversed().map { "{{/\($0)}}" }.joined()

        for template in [
            deep, String(repeating: "{{#a}}", count: 10_000), String(repeating: "{{a}}", count: 501),
            String(repeating: "a", count: PayloadTemplate.maximumBytes + 1),
        ] {
            #expect(throws: PayloadFault.self) { try PayloadRenderer(Self.format(template, "text/plain")) }
        }
    }

    @Test func whatIsMadeIsBounded() throws {
        let content = String(repeating: "x", count: 4_000)
        let event = PayloadPresetTests.received(content).encoded()
        let fits = try PayloadRenderer(Self.format(String(repeating: "{{data.content}}", count: 60), "text/plain"))
        let much = try PayloadRenderer(Self.format(String(repeating: "{{data.content}}", count: 500), "text/plain"))

        #expect(try fits.payload(of: event).bytes.count == 240_000)
        #expect(throws: PayloadFault.tooLarge) { try much.payload(of: event) }
    }

    @Test func aLongListIsCut() throws {
        guard case .messageReceived(var data) = EventType.messageReceived.declaration.sample.payload else { return }
        data.attachments = (0..<1_000).map { "\($0)" }
        var event = EventType.messageReceived.declaration.sample
        event.payload = .messageReceived(data)
        let renderer = try PayloadRenderer(Self.format("{{#data.attachments}}x{{/data.attachments}}", "text/plain"))

        #expect(try renderer.payload(of: event.encoded()).bytes.count == 20)
    }

    @Test(arguments: [
        (#"{"t":"{{data.content}}"}"#, true), (#"{"t":"{{{data.content}}}"}"#, false),
        (#"{"t":{{data.request_id}}}"#, false),
        (#"{"t":{{data.content}}}"#, false), (#"[{{{event}}}]"#, true), ("", false),
        (#"{"a":[{{#data.attachments}}"{{.}}"{{^last()}},{{/last()}}{{/data.attachments}}]}"#, true),
    ])
    func aTemplateOfJSONMakesJSONOfWhateverAnSMSHolds(template: String, isJSON: Bool) throws {
        let compiled = try CompiledTemplate(
            PayloadTemplate(method: .post, contentType: "application/json", body: template))

        if isJSON {
            try compiled.check(for: EventType.allCases)
        } else {
            #expect(throws: PayloadFault.self) { try compiled.check(for: EventType.allCases) }
        }
    }

    private static func format(_ body: String, _ contentType: String) -> PayloadFormat {
        .template(PayloadTemplate(method: .put, contentType: contentType, body: body))
    }
}
