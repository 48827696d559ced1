import HTTPSMSWebhooks
import Testing

@testable import Delivery

/// What a template may cost, whatever it says and whatever the event holds.
struct TemplateWriterTests {
    @Test(arguments: [
        ("", "{{data.content}}", ""), ("", "{{{event}}}", ""), ("{{#data}}", "{{{.}}}", "{{/data}}"),
        ("{{#data.attachments}}", "{{data.content}}", "{{/data.attachments}}"),
        ("{{#data.attachments}}", "{{id}}{{title}}", "{{/data.attachments}}"),
        ("{{#data.attachments}}", "x", "{{/data.attachments}}"),
        ("{{#data.encrypted}}", "{{&data.content}}", "{{/data.encrypted}}"),
    ])
    func writingStopsAtTheBound(begin: String, piece: String, end: String) throws {
        let event = try Self.event(content: String(repeating: "\"", count: 100_000), attachments: 20, isEncrypted: true)
        let template = begin + String(repeating: piece, count: piece.contains("{") ? 240 : 60_000) + end
        for contentType in ["text/plain", "application/json", "application/x-www-form-urlencoded", "text/html"] {
            var writer = try Self.writer(template, contentType, event)
            let fault = Self.fault(&writer)

            #expect(fault == .tooLarge)
            #expect(writer.bytes.count <= PayloadRenderer.maximumBytes)
            #expect(writer.steps <= TemplateWriter.maximumSteps)
        }
    }

    @Test func aBodyMayBeAsLongAsTheBound() throws {
        let event = try Self.event(content: String(repeating: "x", count: 65_536))
        for (more, expected) in [("", nil), ("x", .tooLarge)] as [(String, PayloadFault?)] {
            var writer = try Self.writer(
                String(repeating: "{{data.content}}", count: 4) + more, "text/plain", event)
            let fault = Self.fault(&writer)

            #expect(fault == expected)
            #expect(writer.bytes.count == PayloadRenderer.maximumBytes)
        }
    }

    @Test func theLongestListInTheLongestTemplateIsWritten() throws {
        let event = try Self.event(content: "x", attachments: 1_000)
        let sections = String(repeating: "{{#data.attachments}}{{/data.attachments}}", count: 250)
        let tags =
            "{{#data.attachments}}" + String(repeating: ".{{data.content}}", count: 498) + "{{/data.attachments}}"
        for (template, count) in [(sections, 0), (tags, 20 * 996)] {
            var writer = try Self.writer(template, "text/plain", event)
            let fault = Self.fault(&writer)

            #expect(fault == nil)
            #expect(writer.bytes.count == count && writer.steps <= TemplateWriter.maximumSteps)
        }
    }

    /// The data of types that are not known may hold several lists.
    @Test func listsInListsAreBounded() throws {
        let names = (0..<8).map { "a\($0)" }
        let list = "[" + (0..<20).map { "\"\($0)\"" }.joined(separator: ",") + "]"
        let data = "{" + names.map { "\"\($0)\":\(list)" }.joined(separator: ",") + "}"
        var event = EventType.messageReceived.declaration.sample
        event.payload = .unknown(type: "x", data: Array(data.utf8))
        let template =
            names.map { "{{#data.\($0)}}" }.joined() + names.reversed().map { "{{/data.\($0)}}" }.joined()
        var writer = try Self.writer(template, "text/plain", event)
        let fault = Self.fault(&writer)

        #expect(fault == .tooLarge)
        #expect(writer.steps <= TemplateWriter.maximumSteps + 1)
    }

    @Test(arguments: [
        ("{{data.attachments}}{{{data.attachments}}}", ""), ("{{data.encrypted}}", "false"),
        ("{{#data.encrypted}}{{.}}{{/data.encrypted}}", ""), ("{{^data.encrypted}}{{contact}}{{/data.encrypted}}", ""),
        ("{{#data.content}}<{{.}}>{{/data.content}}", "<a>"),
        ("{{#data.content}}{{^last()}}x{{/last()}}{{/data.content}}", "x"),
        ("{{#data.attachments}}{{.}}{{#first()}}!{{/first()}}{{^last()}},{{/last()}}{{/data.attachments}}", "0!,1,2"),
        ("{{#data.attachments}}{{#.}}{{.}}{{/.}}{{/data.attachments}}", "012"), ("{{first()}}{{last()}}", ""),
        ("{{#data}}{{content}} {{type}}{{/data}}", "a message.phone.received"),
        ("{{self}}{{budget}}{{members}}{{json}}", ""),
        ("{{#data}}{{text}}{{/data}}", "SMS from +18005550100 to +18005550199\na\n0\n1\n2"),
    ])
    func aNameIsWhatTheEventHasAndNothingElse(template: String, body: String) throws {
        var writer = try Self.writer(template, "text/plain", Self.event(content: "a", attachments: 3))
        let fault = Self.fault(&writer)

        #expect(fault == nil)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == body)
    }

    private static func event(
        content: String, attachments: Int = 0, isEncrypted: Bool = false
    ) throws -> CloudEvent {
        var event = PayloadPresetTests.received(content)
        guard case .messageReceived(var data) = event.payload else { throw PayloadFault.event("another type") }
        data.attachments = (0..<attachments).map { "\($0)" }
        data.isEncrypted = isEncrypted
        event.payload = .messageReceived(data)
        return event
    }

    private static func writer(
        _ template: String, _ contentType: String, _ event: CloudEvent
    ) throws -> TemplateWriter {
        var reader = TemplateReader(template)
        return TemplateWriter(
            try reader.read(), try TemplateValues(event, body: event.encoded()),
            TemplateEscaping(contentType: contentType))
    }

    private static func fault(_ writer: inout TemplateWriter) -> PayloadFault? {
        do {
            try writer.write()
            return nil
        } catch {
            return error
        }
    }
}
