import TestSupport
import Testing

@testable import Gateway

/// Forms as browsers send them, and as nobody should.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct MultipartFormTests {
    private static let type = "multipart/form-data; boundary=B"

    private static func form(_ body: String) throws -> MultipartForm {
        try MultipartForm(Array(body.utf8), contentType: type)
    }

    static func part(_ name: String, _ text: String) -> String {
        "--B\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(text)\r\n"
    }

    @Test func partsAreReadAsBrowsersSendThem() throws {
        let form = try Self.form(
            """
            preamble\r\n--B  \r\ncontent-DISPOSITION: form-data; name="a"\r\n\r\n1\r\n--\r\n--b\r\n--B\r\n\
            Content-Disposition: form-data; filename="x; \\"y\\".csv" ; name=document\r\n\
            Content-Type: Text/CSV; charset=utf-8\r\n\r\n\r\n\r\n--B\r\nX: y\r\n\r\nno name\r\n\
            --B\r\nContent-Disposition: form-data; name=e\r\n\r\n--B--\r\nepilogue --B
            """)

        #expect(form.parts.map(\.name) == ["a", "document", "e"])
        #expect(form.parts.map(\.fileName) == [nil, "x; \"y\".csv", nil])
        #expect(form.parts.map(\.contentType) == ["", "text/csv", ""])
        #expect(form.parts.map { String(decoding: $0.bytes, as: UTF8.self) } == ["1\r\n--\r\n--b", "\r\n", ""])
    }

    @Test(arguments: [
        "", "--B", "--B\r\n", "--B\r\n--B--\r\n", "--B\r\n\r\n", "--B\r\nA: b\r\n\r\nx", "--Bx\r\n\r\nx\r\n--B--",
        "--B-\r\n", "--B -- ", "\r\n\r\n\r\n", "--B\r\nContent-Disposition: form-data; name=a\r\n--B--", "-", "\r",
    ]) func whatIsNoWholeFormIsRefused(body: String) {
        #expect(throws: Refusal.self) { try Self.form(body) }
    }

    @Test(arguments: [
        ("--B--", 0), ("\r\n--B--", 0), ("--B\r\n\r\n--B--", 0), ("--B\r\n\r\n\r\n--B--", 0),
        ("--B\r\n\r\nx\r\n--B--", 0),
        ("--B\r\nContent-Disposition: form-data; name=a\r\n\r\n--B--", 1),
        ("--B\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\r\n--B--", 1),
    ]) func formsWithLittleInThemAreRead(body: String, count: Int) throws {
        #expect(try Self.form(body).parts.count == count)
    }

    @Test func everyCutAndEveryChangedByteIsReadOrRefused() throws {
        let body = Array((Self.part("a", "1") + Self.part("document", "2") + "--B--\r\n").utf8)
        for index in body.indices {
            _ = try? MultipartForm(Array(body[..<index]), contentType: Self.type)  // Refusing it is an answer.
            for byte: UInt8 in [0x00, 0x0a, 0x0d, 0x22, 0x2d, 0x3b, 0x3d, 0x5c, 0xff] {
                var changed = body
                changed[index] = byte
                _ = try? MultipartForm(changed, contentType: Self.type)  // As above.
            }
        }
    }

    @Test func theNumberOfPartsAndTheirHeadersAreBounded() throws {
        let parts = String(repeating: Self.part("a", "1"), count: 100)
        #expect(try Self.form(parts + "--B--").parts.count == 100)
        #expect(throws: Refusal.self) { try Self.form(parts + Self.part("a", "1") + "--B--") }
        let headers = { (count: Int) in "--B\r\nX: \(String(repeating: "x", count: count))\r\n\r\nx\r\n--B--" }
        #expect(throws: Never.self) { try Self.form(headers((16 << 10) - 7)) }
        #expect(throws: Refusal.self) { try Self.form(headers(16 << 10)) }
    }

    @Test(arguments: [
        "", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=B",
        "multipart/form-data; boundary=\"B\r\"", "multipart/form-data; boundary=\"B\u{e9}\"",
        "multipart/form-data; boundary=\(String(repeating: "B", count: 71))",
    ]) func aFormNeedsABoundary(header: String) {
        #expect(throws: Refusal.self) { try MultipartForm(Array("--B--".utf8), contentType: header) }
    }

    /// Each shape was worse than linear in some reader of forms.
    @Test(
        arguments: [
            { (count: Int) in MultipartFormTests.part("document", String(repeating: "\r\n--", count: count)) + "--B--"
            },
            { count in MultipartFormTests.part("document", String(repeating: "\r", count: count)) + "--B--" },
            { count in
                "--B\r\nContent-Disposition: form-data\(String(repeating: "; a=b", count: count / 100))\r\n\r\n\r\n--B--"
            },
            { count in "--B\r\n\(String(repeating: "A: b\r\n", count: count / 100))\r\n\r\n--B--" },
            { count in String(repeating: "--B", count: count) + "\r\n--B--" },
        ] as [@Sendable (Int) -> String]) func noByteIsLookedAtMoreThanAFewTimes(shape: @Sendable (Int) -> String)
        throws
    {
        for count in [10_000, 20_000, 40_000] {
            let body = shape(count)
            #expect(try Self.form(body).bytesExamined <= 5 * body.utf8.count)
        }
        for count in [1_000, 2_000, 4_000] {
            let header = "form-data" + String(repeating: "; a=\"\\b\"", count: count)
            #expect(HeaderParameters(header.utf8).bytesExamined <= header.utf8.count)
        }
    }

    @Test(arguments: ["--B\r\n--B--\r\n", "--B\r\n\r\n", "--B", "--B\r\n--B\r\n--B--"])
    func
        aBrokenFormIsAnsweredWhereverItGoes(body: String) async throws
    {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let headers = [("Content-Type", Self.type), ("Idempotency-Key", "1")]
            let send = { (client: APIClient, path: String) in
                try await client.send("POST", path, headers: headers, body: Array(body.utf8)).status
            }
            #expect(try await send(account.client, "/v1/anything") == 404)
            #expect(try await send(account.client, "/v1/bulk-messages") == 400)
            #expect(try await send(phone.client, "/v1/anything") == 404)
            #expect(try await send(phone.client, "/v1/bulk-messages") == 401)
            #expect(try await send(phone.client, "/v1/heartbeats") == 400)
            #expect(try await server.client.get("/health").status == 200)
        }
    }
}
