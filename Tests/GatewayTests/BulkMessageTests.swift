import Foundation
import TestSupport
import Testing
import Timestamps

/// `/v1/bulk-messages` with CSV files.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct BulkMessageTests {
    static let message = "validation errors while sending bulk SMS"

    @Test func aFileIsSentAsOneBatch() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            _ = try await account.client.put("/v1/phones", ["phone_number": "+18005550199", "messages_per_minute": 10])

            let answer = try await account.upload(
                BulkFile.header + """
                    +18005550199,+18005550101,"Hello, ""you""
                    there",,
                    18005550199,18005550102, Grüße ,,"https://example.com/a.png, https://example.com/b.png"
                    """)

            #expect(answer.status == 202, "\(answer)")
            #expect(answer.json == ["message": "Added 2 out of 2 messages to the queue", "status": "success"])
            let messages = try await account.allMessages()
            #expect(messages.map { $0["contact"] } == ["+18005550101", "+18005550102"])
            #expect(messages.map { $0["content"] } == ["Hello, \"you\"\nthere", "Grüße"])
            #expect(messages[1]["attachments"] == ["https://example.com/a.png", "https://example.com/b.png"])
            let id = messages[0]["request_id"].string
            #expect(id.wholeMatch(of: /bulk-[0-9A-Za-z]+-numbers\.csv/) != nil, "\(id)")
            #expect(messages[1]["request_id"].string == id)
            let times = try messages.map { try #require(Timestamp(rfc3339: $0["scheduled_at"].string)) }
            #expect(times[1] - times[0] == .seconds(6))

            let list = try await account.client.get("/v1/bulk-messages")
            #expect(list.message == "fetched 1 bulk message")
            let counts = ["total", "failed_count", "expired_count", "sent_count", "delivered_count"].map {
                list.data[0][$0]
            }
            #expect(counts == [2, 0, 0, 0, 0])
            #expect(list.data[0]["request_id"].string == id)
        }
    }

    @Test func countsFollowTheMessages() async throws {
        try await withServer { server in
            let (account, other) = (try await server.makeAccount(), try await server.makeAccount())
            let phone = try await account.makePhone()
            _ = try await account.client.put("/v1/phones", ["phone_number": "+18005550199", "messages_per_minute": 0])
            _ = try await account.upload(BulkFile.header + String(repeating: BulkFile.row, count: 4))
            let ids = try await account.allMessages().map { $0["id"].string }
            _ = try await phone.report("SENT", ids[0])
            _ = try await phone.report("FAILED", ids[1])
            _ = try await phone.report("DELIVERED", ids[2])
            _ = try await account.client.delete("/v1/messages/\(ids[3])")

            let data = try await account.client.get("/v1/bulk-messages").data[0]

            let names = ["total", "sent_count", "failed_count", "delivered_count", "scheduled_count", "pending_count"]
            #expect(names.map { data[$0] } == [3, 1, 1, 1, 0, 0])
            #expect(try await other.client.get("/v1/bulk-messages").data == [])
            for _ in 0..<11 { _ = try await account.upload(BulkFile.header + BulkFile.row) }
            let list = try await account.client.get("/v1/bulk-messages")
            #expect(list.message == "fetched 10 bulk messages")
            #expect(Set(list.data.array.map { $0["request_id"] }).count == 10)
        }
    }

    @Test func filesAreReadAsPeopleWriteThem() async throws {
        let table: [(name: String, text: String, count: Int)] = [
            ("a byte order mark", "\u{FEFF}" + BulkFile.header + BulkFile.row, 1),
            ("line ends of Windows", (BulkFile.header + BulkFile.row + BulkFile.row).replacing("\n", with: "\r\n"), 2),
            ("no line end", BulkFile.header + "+18005550199,+18005550100,Hi", 1),
            (
                "columns in another order, and one more",
                "Content,X,ToPhoneNumber,FromPhoneNumber\nHi,1,+18005550100,+18005550199\n", 1
            ),
            ("blank lines", BulkFile.header + "\n\n" + BulkFile.row + ",,,,\n" + BulkFile.row, 2),
            ("spaces", BulkFile.header + " +18005550199 , +1 800 555 0100 ,  Hi  ,  ,  \n", 1),
            ("1,000 rows", BulkFile.header + String(repeating: BulkFile.row, count: 1_000), 1_000),
        ]
        try await withServer { server in
            for row in table {
                let account = try await server.makeAccount()
                _ = try await account.makePhone()
                let answer = try await untilServed {
                    try await account.upload(row.text)
                }
                #expect(answer.status == 202, "\(row.name) \(answer)")
                #expect(answer.message == "Added \(row.count) out of \(row.count) messages to the queue", "\(row.name)")
            }
        }
    }

    @Test func everyRuleSaysWhatItWantsAndWhere() async throws {
        let longURL = "https://example.com/a"
        let table: [(rows: String, errors: [String])] = [
            (
                "1,+18005550100,Hi,,\n" + BulkFile.row + "\n+18005550199,12345,,,\n",
                [
                    "Row [2]: The FromPhoneNumber [1] is not a valid E.164 phone number",
                    "Row [5]: The ToPhoneNumber [12345] is not a valid E.164 phone number",
                    "Row [5]: The message content is required.",
                ]
            ),
            (
                "+18005550199,+18005550100,\(String(repeating: "é", count: 1_025)),,\n",
                ["Row [2]: The message content must be less than 1024 characters."]
            ),
            (
                "+18005550199,+18005550100,Hi,tomorrow,\n",
                [
                    """
                    Row [2]: The SendTime [tomorrow] is not a valid date format. Use RFC3339 (e.g. 2023-11-11T02:10:01Z) \
                    or YYYY-MM-DDTHH:MM:SS.
                    """
                ]
            ),
            (
                "+18005550199,+18005550100,Hi,2999-01-01T00:00:00Z,\n",
                ["Row [2]: The SendTime [2999-01-01T00:00:00Z] cannot be more than 20 days (480 hours) in the future."]
            ),
            (
                "+18005550199,+18005550100,Hi,,\"\(Array(repeating: longURL, count: 11).joined(separator: ","))\"\n",
                ["Row [2]: You cannot attach more than 10 files per message."]
            ),
            (
                "+18005550199,+18005550100,Hi,,\"example.com/a,ftp://example.com/a\"\n",
                [
                    "Row [2]: The attachment URL [example.com/a] has an invalid url format.",
                    "Row [2]: The attachment URL [ftp://example.com/a] must use http or https.",
                ]
            ),
            (
                BulkFile.row + "+18005550188,+18005550100,Hi,,\n+18005550188,+18005550100,Hi,,\n",
                ["Rows [3, 4]: The FromPhoneNumber [+18005550188] is not registered on your account"]
            ),
            (
                "",
                [
                    """
                    The uploaded file doesn't contain any valid records. Make sure you are using the official httpSMS \
                    template.
                    """
                ]
            ),
            (
                String(repeating: BulkFile.row, count: 1_001),
                ["The uploaded file must contain less than 1000 records."]
            ),
            (
                String(repeating: "\n", count: 100_000) + BulkFile.row,
                ["The file has more than 5000 rows, most of them blank."]
            ),
            (
                BulkFile.row + "\"+18005550199,+18005550100,Hi,,\n" + BulkFile.row,
                ["Row [3]: A quote (\") opens a cell that is never closed."]
            ),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            for row in table {
                let answer = try await account.upload(BulkFile.header + row.rows)

                #expect(answer.status == 422, "\(row.rows.prefix(100))")
                #expect(answer.json == Envelope.invalid(Self.message, ["document": row.errors]))
            }
            #expect(try await account.allMessages() == [])
            #expect(try await account.client.get("/v1/bulk-messages").data == [])
        }
    }

    @Test func whatIsNoFileIsRefused() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let table: [(name: String, bytes: [UInt8], errors: String)] = [
                ("a.txt", Array(BulkFile.row.utf8), "The file [a.txt] is not a valid CSV or Excel file."),
                ("csv", Array(BulkFile.row.utf8), "The file [csv] is not a valid CSV or Excel file."),
                ("a.csv", [0xff, 0xfe, 0x00], "Row [1]: The text is not valid UTF-16."),
                (
                    "a.xls.XLSX", [0xd0, 0xcf, 0x11, 0xe0, 0xa1],
                    """
                    The uploaded file [a.xls.XLSX] is of the old kind of Excel, or has a password. Save it as an Excel workbook \
                    (.xlsx) without one.
                    """
                ),
                ("a.xlsx", Array(BulkFile.row.utf8), "Cannot parse the uploaded excel file with name [a.xlsx]."),
                ("a.xlsx", [], "Cannot parse the uploaded excel file with name [a.xlsx]."),
                (
                    "a.csv", Array(repeating: 0x20, count: 5_000_000),
                    "The file must be less than 5 MB the file you uploaded is [5.0 MB]."
                ),
            ]
            for row in table {
                let answer = try await account.upload(row.name, row.bytes)
                #expect(answer.status == 422, "\(row.name)")
                #expect(answer.json == Envelope.invalid(Self.message, ["document": [row.errors]]))
            }
            #expect(try await account.upload("a.csv", Array(repeating: 0x20, count: 7 << 20)).status == 413)
            let form = Form("a.csv", Array(BulkFile.row.utf8), field: "file")
            let bad: [(headers: [(String, String)], body: [UInt8])] = [
                (form.headers, form.body), ([("Content-Type", "application/json")], Array("{}".utf8)), ([], form.body),
                ([("Content-Type", "multipart/form-data")], form.body), (form.headers, []),
                ([("Content-Type", "multipart/form-data; boundary=\"x\"")], form.body),
            ]
            for (headers, body) in bad {
                let answer = try await account.client.send("POST", "/v1/bulk-messages", headers: headers, body: body)
                #expect(answer.status == 400, "\(headers) \(answer)")
            }
        }
    }

    @Test func timesWithoutAnOffsetAreThoseOfTheAccount() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            _ = try await account.client.put("/v1/users/me", ["timezone": "Asia/Kolkata"])
            let day = String((server.clock.now() + .seconds(3 * 86_400)).rfc3339.prefix(10))
            let rows = ["\(day)T10:00:00", "\(day) 10:00:00", "\(day)T10:00:00+02:00", "\(day) 9:00:00.250"].map {
                "+18005550199,+18005550100,Hi,\($0),\n"
            }

            let answer = try await account.upload(BulkFile.header + rows.joined())

            #expect(answer.status == 202, "\(answer)")
            let times = try await account.allMessages().map { $0["scheduled_send_time"].string }
            let expected = ["\(day)T04:30:00Z", "\(day)T04:30:00Z", "\(day)T08:00:00Z", "\(day)T03:30:00Z"]
            #expect(times == expected)
        }
    }

    @Test func aRepeatedUploadUnderAKeySendsOnce() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let bytes = Array((BulkFile.header + BulkFile.row).utf8)
            let key = [("Idempotency-Key", "upload-1")]
            let first = try await account.upload("a.csv", bytes, more: key)
            let second = try await account.upload("a.csv", bytes, more: key)
            let other = try await account.upload("b.csv", bytes, more: key)

            #expect(first.status == 202)
            #expect(second.status == 202)
            #expect(other.status == 409)
            #expect(second.body == first.body)
            #expect(try await account.allMessages().count == 1)
        }
    }
}
