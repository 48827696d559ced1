import Foundation
import TestSupport
import Testing

@testable import Gateway

/// Which attachments are kept and what they are called.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct AttachmentRulesTests {
    private static func attachment(_ type: String?, _ content: String?) throws -> InboundAttachment {
        let json = ["content_type": type, "content": content].compactMapValues(\.self)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(InboundAttachment.self, from: JSONEncoder().encode(json))
    }

    @Test(arguments: [
        "image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp", "video/mp4", "video/3gpp", "audio/mpeg",
        "audio/ogg", "audio/amr", "application/pdf", "text/vcard", "text/x-vcard",
    ])
    func theContractsTypesAreKept(type: String) throws {
        let result = AttachmentRules.decode(try Self.attachment(type, "AQID"), index: 0, total: 0)

        #expect(try result.get() == Data([1, 2, 3]))
    }

    @Test(
        arguments: [
            ("image/png", nil, "attachment [3] has invalid base64 content"),
            ("image/png", "A", "attachment [3] has invalid base64 content"),
            ("image/png", "AQI!", "attachment [3] has invalid base64 content"),
            ("image/png", "AQIDB", "attachment [3] has invalid base64 content"),
            ("image/png", "AQ==AQ==", "attachment [3] has invalid base64 content"),
        ] as [(String?, String?, String)])
    func othersAreSkippedWithAReason(type: String?, content: String?, reason: String) throws {
        let result = AttachmentRules.decode(try Self.attachment(type, content), index: 3, total: 0)

        #expect(throws: AttachmentRules.Skipped.self) { try result.get() }
        guard case .failure(let skipped) = result else { return }
        #expect(skipped.reason == reason)
    }

    @Test(arguments: [
        ("IMAGE/JPEG", "image/jpeg"), ("image/jpeg;a=b", "image/jpeg"), ("image/jpeg; name=\"a.jpg\"", "image/jpeg"),
        (" image/jpg ", "image/jpeg"), ("Image/PJPEG", "image/jpeg"), ("text/x-vCard", "text/x-vcard"),
        ("text/x-vCard; charset=utf-8", "text/x-vcard"), ("text/directory;profile=vcard", "text/vcard"),
        ("audio/mp3", "audio/mpeg"), ("audio/AMR-NB", "audio/amr"), ("video/3gp", "video/3gpp"),
        ("image/heic", "application/octet-stream"), ("text/html", "application/octet-stream"),
        ("application/octet-stream", "application/octet-stream"), ("", "application/octet-stream"),
        (";", "application/octet-stream"), ("image/jpeg\r\nX: y", "application/octet-stream"),
        ("image/png, text/html", "image/png"),
    ]) func aTypeIsReadWithoutCaseAndParametersAndByItsUsualName(told: String, kept: String) {
        #expect(AttachmentRules.contentType(told) == kept)
    }

    @Test func everyOtherNameIsOfATypeThatIsKept() {
        #expect(AttachmentRules.aliases.filter { AttachmentRules.extensions[$0.value] == nil }.isEmpty)
    }

    @Test(arguments: [
        "AQIDBA==", "AQIDBA", "AQIDBA=", "AQ\r\nID\nBA==\r\n", " A Q I D B A = = ", "\tAQIDBA==\n",
        "data:image/png;base64,AQIDBA==", "data:;base64,\nAQID\nBA",
    ]) func base64IsReadAsEncodersWriteIt(text: String) {
        #expect(AttachmentRules.bytes(ofBase64: text) == Data([1, 2, 3, 4]))
    }

    @Test func theAlphabetOfURLsIsRead() {
        #expect(AttachmentRules.bytes(ofBase64: "-_-_") == Data(base64Encoded: "+/+/"))
    }

    @Test func theLimitsAreTheContracts() throws {
        func outcome(bytes: Int, total: Int) throws -> Bool {
            let content = Data(count: bytes).base64EncodedString()
            let result = AttachmentRules.decode(try Self.attachment("image/png", content), index: 0, total: total)
            return (try? result.get()) != nil  // A failure is the answer.
        }

        #expect(try outcome(bytes: 1_572_864, total: 0))
        #expect(try !outcome(bytes: 1_572_865, total: 0))
        #expect(try outcome(bytes: 1_000, total: 3_144_728))
        #expect(try !outcome(bytes: 1_001, total: 3_144_728))
        #expect(try outcome(bytes: 0, total: 3_145_728))
    }

    @Test(
        arguments: [
            ("photo.jpg", "photo-T.jpg"), ("my photo.jpeg", "my-photo-T.jpg"), ("a.b.c", "ab-T.jpg"),
            ("noext", "noext-T.jpg"),
            ("../../etc/passwd.jpg", "etcpasswd-T.jpg"), ("../../etc/passwd", "attachment-4-T.jpg"),
            ("-weird-.x", "weird-T.jpg"), ("фото.jpg", "attachment-4-T.jpg"),
            (".jpg", "attachment-4-T.jpg"), ("", "attachment-4-T.jpg"), (nil, "attachment-4-T.jpg"),
            ("a%2fb?c#d.jpg", "a2fbcd-T.jpg"), ("a\"b\r\n.jpg", "ab-T.jpg"),
            (String(repeating: "a", count: 300), String(repeating: "a", count: 100) + "-T.jpg"),
        ] as [(String?, String)])
    func aNameKeepsWhatBelongsInAURL(name: String?, fileName: String) {
        #expect(AttachmentRules.fileName(name, index: 4, token: "T", contentType: "image/jpeg") == fileName)
    }
}
