import Foundation
import TestSupport
import Testing

@testable import Dashboard
@testable import Gateway

/// Bulk messages: a file is looked at first, and sent when somebody says so.
@Suite(.timeLimit(.minutes(15))) struct BulkPageTests {
    private static let path = "/messages/bulk"
    /// A row from a phone of somebody else.
    private static let foreign = "+18005550188,+18005550100,Hi,,\n"

    private static func choose(_ text: String, name: String = "numbers.csv", _ page: PageClient) async throws
        -> APIClient.Answer
    {
        try await page.upload(path, on: path, file: ("document", name, Array(text.utf8)))
    }

    /// The hidden fields of the form that a preview carries.
    private static func fields(of preview: String) -> [(String, String)] {
        preview.matches(of: /<input type="hidden" name="(once|name|type|document|leave_out)" value="([^"]*)"/).map {
            (String($0.1), String($0.2))
        }
    }

    @Test func whatIsRightOfAFileCanBeSentWithoutTheRest() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let file = BulkFile.header + BulkFile.row + "+18005550199,12<b>,Hi,,\n" + BulkFile.row + Self.foreign
            let refused = try await Self.choose(file, page)
            #expect(refused.status == 422 && refused.text.contains("check the 2 that are right"))
            let preview = try await page.upload(
                "/messages/bulk/columns", on: Self.path, Self.fields(of: refused.text), file: nil)
            #expect(preview.status == 200 && preview.text.contains("2 messages in numbers.csv"), "\(preview)")
            #expect(preview.text.contains("Rows that are left out") && !preview.text.contains("12<b>"))
            #expect(preview.text.contains("<tr><td class=\"break\">3</td>"))
            #expect(preview.text.contains("<tr><td class=\"break\">5</td>"))
            #expect(try await account.client.get("/v1/messages/search").data == [])

            let sent = try await page.upload(
                "/messages/bulk/send", on: Self.path, Self.fields(of: preview.text), file: nil)
            #expect(sent.status == 303)
            let messages = try await account.client.get("/v1/messages/search").data.array
            #expect(messages.count == 2 && messages.allSatisfy { $0["contact"] == "+18005550100" })
            // The page of the file and its results name the others.
            let batch = try #require(sent.header("Location"))
            let text = try await page.get(batch).text
            #expect(text.contains("Not sent, as the row is wrong: 2") && text.contains("<tr><td>5</td>"))
            let id = try await account.client.get("/v1/bulk-messages").data[0]["request_id"].string
            let results = try await page.get("\(Self.path)/results.csv?request_id=\(id)").text
            let lines = results.split(separator: "\r\n")
            #expect(lines.count == 5)
            #expect(lines[3].hasPrefix("\"\",\"\",\"not sent\",\"Row 3 of the file: ToPhoneNumber: 12<b> is not a"))
            #expect(lines[4].hasPrefix("\"\",\"\",\"not sent\",\"Row 5 of the file: "))

            // Where no row is right, or the file itself is wrong, nothing is offered.
            for wrong in [BulkFile.header + "+18005550199,12,Hi,,\n", "Name\nAnn\n", ""] {
                #expect(try await !Self.choose(wrong, page).text.contains("Leave these rows out"), "\(wrong)")
            }
            // The API takes all or nothing.
            #expect(try await account.upload(file).status == 422)
        }
    }

    @Test func nothingIsSentBeforeSomebodySaysSoAndThenOnce() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let file = BulkFile.header + BulkFile.row + "+18005550199,+18005550101,<b>Later</b>,,\n"

            let preview = try await Self.choose(file, page)
            let untouched = try await account.allMessages().isEmpty
            let fields = Self.fields(of: preview.text)
            let sent = try await page.upload("\(Self.path)/send", on: Self.path, fields, file: nil)
            let again = try await page.upload("\(Self.path)/send", on: Self.path, fields, file: nil)

            #expect(preview.status == 200 && preview.text.contains("2 messages in numbers.csv"))
            #expect(preview.text.contains("<li>2 from <bdi") && preview.text.contains(">+1 800-555-0199</bdi></li>"))
            #expect(preview.text.contains("&lt;b&gt;Later&lt;/b&gt;") && !preview.text.contains("<b>"))
            #expect(untouched)
            #expect(fields.map(\.0) == ["once", "name", "type", "document"])
            #expect(sent.status == 303)
            #expect(again.header("Location") == Self.path)
            #expect(try await account.allMessages().map { $0["contact"] } == ["+18005550100", "+18005550101"])
            let batch = try #require(sent.header("Location"))
            #expect(try await page.get(batch).text.contains("0 of 2 sent"))
            let id = try await account.allMessages()[0]["id"].string
            _ = try await phone.report("SENT", id)
            let text = try await page.get(batch).text
            #expect(text.contains("1 of 2 sent") && text.contains("<span class=\"status sent\">1 sent</span>"))
            #expect(try await page.get("\(batch)&status=sent").text.matches(of: /class="thread"/).count == 1)
            #expect(try await page.get(Self.path).text.contains(">numbers.csv</a>"))
            #expect(try await page.get("/messages/message/\(id)").text.contains("href=\"\(batch)\""))
        }
    }

    @Test func aRowThatBreaksARuleIsNamedAndNothingIsSent() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let bad = "+18005550199,<script>,,,\n"

            let broken = try await Self.choose(BulkFile.header + BulkFile.row + bad, page)
            let foreign = try await Self.choose(
                BulkFile.header + "+18005550177,+18005550100,Hi,,\n+18005550177,+18005550100,Hi,,\n", page)
            let many = try await Self.choose(
                BulkFile.header + String(repeating: "+18005550199,x,Hi,,\n", count: 103), page)

            #expect([broken, foreign, many].map(\.status) == [422, 422, 422])
            #expect(
                broken.text.contains(
                    "<tr><td class=\"break\">3</td><td class=\"break\">ToPhoneNumber: &lt;script&gt; is not a phone number"
                ))
            #expect(
                broken.text.contains(
                    "<tr><td class=\"break\">3</td><td class=\"break\">The message content is required.</td>"))
            #expect(!broken.text.contains("name=\"once\""))
            #expect(foreign.text.contains("<tr><td class=\"break\">2, 3</td>"))
            #expect(foreign.text.contains("The FromPhoneNumber [+18005550177] is not registered on your account"))
            #expect(many.text.contains("There are 3 more problems like these."))
            let link = try #require(
                many.text.firstMatch(
                    of: /href="data:text\/csv;charset=utf-8;base64,([^"]*)" download="httpsms-errors.csv"/))
            let base64 = link.1.replacing("&#x3D;", with: "=").replacing("&#61;", with: "=")
            let data = try #require(Data(base64Encoded: String(base64)))
            let report = String(decoding: data, as: UTF8.self)
            #expect(
                report.hasPrefix("\u{FEFF}Row,Column,Error\r\n2,ToPhoneNumber,\"ToPhoneNumber: x is not a phone number")
            )
            #expect(report.components(separatedBy: "\r\n").count == 105)
            #expect(try await account.allMessages().isEmpty)
        }
    }

    @Test(arguments: [
        ("", "numbers.csv", "any valid records"), ("x", "numbers.pdf", "is not a valid CSV or Excel file"),
    ])
    func aFileThatCannotBeReadIsRefused(_ text: String, _ name: String, _ reason: String) async throws {
        try await withServer { server in
            let page = try await server.signedInWithPhone().page

            let answer = try await Self.choose(text, name: name, page)

            #expect(answer.status == 422 && answer.text.contains(reason), "\(answer.text)")
            let none = try await page.upload(Self.path, on: Self.path, file: nil)
            #expect(none.status == 422 && none.text.contains("Choose a file first."))
        }
    }

    @Test func aFileOfWindowsIsConvertedAndThePreviewSaysSo() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let text = "FromPhoneNumber;ToPhoneNumber;Content\r\n+18005550199;+18005550100;Gr\u{fc}\u{df}e\r\n"
            let bytes = text.unicodeScalars.map { UInt8($0.value) }

            let preview = try await page.upload(Self.path, on: Self.path, file: ("document", "LISTE.CSV", bytes))
            let usual = try await Self.choose(BulkFile.header + BulkFile.row, page)
            let sent = try await page.upload(
                "\(Self.path)/send", on: Self.path, Self.fields(of: preview.text), file: nil)

            #expect(preview.text.contains("It was read as Windows-1252") && preview.text.contains("Grüße"))
            #expect(!usual.text.contains("Windows-1252"))
            #expect(sent.status == 303)
            #expect(try await account.allMessages().map { $0["content"] } == ["Grüße"])
        }
    }

    @Test func whatIsSentGoesThroughAllRulesAgain() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let preview = try await Self.choose(BulkFile.header + BulkFile.row, page)
            var fields = Self.fields(of: preview.text)
            // FromPhoneNumber,ToPhoneNumber,Content\n+18005550177,+18005550100,Hi\n
            fields[3].1 = "RnJvbVBob25lTnVtYmVyLFRvUGhvbmVOdW1iZXIsQ29udGVudAorMTgwMDU1NTAxNzcsKzE4MDA1NTUwMTAwLEhpCg=="

            let forged = try await page.upload("\(Self.path)/send", on: Self.path, fields, file: nil)
            let empty = try await page.upload("\(Self.path)/send", on: Self.path, [], file: nil)

            #expect(forged.status == 422 && forged.text.contains("is not registered on your account"))
            #expect(empty.status == 422)
            #expect(try await account.allMessages().isEmpty)
        }
    }

    @Test func theSampleIsAFileThatCanBeSent() async throws {
        try await withServer { server in
            let page = try await server.signedInWithPhone().page
            let sample = try await page.get("\(Self.path)/sample.csv")

            let preview = try await Self.choose(
                sample.text.replacing("2030-01-31T10:00:00", with: ""), page)

            #expect(sample.header("Content-Disposition") == "attachment; filename=\"httpsms-bulk.csv\"")
            #expect(preview.text.contains("2 messages in numbers.csv"), "\(preview.text)")
        }
    }

    @Test func aLargeFileIsTakenAndATooLargeOneRefused() async throws {
        try await withServer { server in
            let page = try await server.signedInWithPhone().page
            let rows = String(repeating: BulkFile.row, count: 1_000)
            let wide = BulkFile.header.replacing("\n", with: ",Note\n")
            // What is in columns of the sender's own is read and left out.
            func file(_ size: Int) -> String {
                wide + rows.replacing("\n", with: ",\(String(repeating: "x", count: size / 1_000 - 32))\n")
            }

            let large = try await Self.choose(file(4_900_000), page)
            let fields = Self.fields(of: large.text)
            let sent = try await untilServed {
                try await page.upload("\(Self.path)/send", on: Self.path, fields, file: nil)
            }
            let tooLarge = try await Self.choose(file(5_200_000), page)

            #expect(large.status == 200 && large.text.contains("1,000 messages in numbers.csv"))
            #expect(sent.status == 303, "\(sent.text.prefix(2_000))")
            #expect(tooLarge.status == 422 && tooLarge.text.contains("The file must be less than 5 MB"))
        }
    }

    @Test func anotherAccountsFilesAreNotThereAndFormsOfOthersAreRefused() async throws {
        try await withServer { server in
            let account = try await server.signedInWithPhone().account
            let stranger = try await server.signedInWithPhone().page
            _ = try await account.upload(BulkFile.header + BulkFile.row)
            let id = try await account.client.get("/v1/bulk-messages").data[0]["request_id"].string

            let batch = try await stranger.get(BulkPages.path(of: id))
            let nobody = PageClient(baseURL: server.baseURL)
            let anonymous = try await nobody.upload(
                Self.path, on: "/sign-in", file: ("document", "numbers.csv", Array("x".utf8)))
            let foreign = try await stranger.upload(
                Self.path, on: "/v1/nothing", file: ("document", "numbers.csv", Array("x".utf8)))

            #expect(batch.status == 404)
            #expect(try await !stranger.get(Self.path).text.contains("numbers.csv"))
            #expect(anonymous.status == 415)
            #expect(foreign.status == 403)
        }
    }
}

/// Bulk messages whose columns are said by hand, and which share a text.
@Suite(.timeLimit(.minutes(15))) struct BulkColumnPageTests {
    private static let path = "/messages/bulk"
    /// A row from a phone of somebody else.
    private static let foreign = "+18005550188,+18005550100,Hi,,\n"
    private static let file = "Name,Mobile\n<b>Ann</b>,+18005550100\n{{number}},+18005550101\n"

    /// The hidden fields of the form that a page carries.
    private static func fields(of html: String) -> [(String, String)] {
        html.matches(of: /<input type="hidden" name="([^"]*)" value="([^"]*)"/).compactMap { match in
            let value = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x3D;", "="), ("&amp;", "&")].reduce(
                String(match.2)
            ) { $0.replacing($1.0, with: $1.1) }
            return match.1 == "form_token" ? nil : (String(match.1), value)
        }
    }

    private static func columns(
        _ page: PageClient, _ text: String = file, _ more: [(String, String)]
    ) async throws -> APIClient.Answer {
        let chosen = try await page.upload(path, on: path, file: ("document", "list.csv", Array(text.utf8)))
        return try await page.upload("\(path)/columns", on: path, fields(of: chosen.text) + more, file: nil)
    }

    @Test(arguments: Engine.enabled) func aFileWithoutATextIsSentWithASavedOne(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let saved = try await account.client.post(
                "/v1/texts", ["name": "Greeting", "content": "Hello {{ NAME }},\n\"{{number}}\" ш"])
            let id = saved.data["id"].string
            let chosen = try await page.upload(
                Self.path, on: Self.path, file: ("document", "list.csv", Array(Self.file.utf8)))
            #expect(chosen.status == 200 && chosen.text.contains("<h1>Columns and text</h1>"))
            #expect(chosen.text.contains("<option value=\"column 1\" selected>Mobile</option>"))
            #expect(chosen.text.contains("<option value=\"\(phone.number)\" selected>"))
            #expect(chosen.text.contains("<option value=\"text \(id)\">Greeting</option>"))
            #expect(chosen.text.contains("{{Name}}, {{Mobile}}"))

            let mapping = [("to", "column 1"), ("from", phone.number), ("text", "text \(id)"), ("content", "not this")]
            let preview = try await Self.columns(page, Self.file, mapping)
            #expect(preview.status == 200 && preview.text.contains("2 messages in list.csv"), "\(preview.text)")
            #expect(preview.text.contains("with 2 SMS in all"))
            #expect(preview.text.contains("Hello &lt;b&gt;Ann&lt;/b&gt;,\n&quot;+18005550100&quot; ш"))
            #expect(preview.text.contains("Hello {{number}},\n&quot;+18005550101&quot; ш"))
            #expect(try await account.allMessages().isEmpty)

            // What was shown is sent, also when the saved text is another one by now.
            _ = try await account.client.put("/v1/texts/\(id)", ["name": "Greeting", "content": "Changed"])
            let fields = Self.fields(of: preview.text)
            let sent = try await page.upload("\(Self.path)/send", on: Self.path, fields, file: nil)
            let again = try await page.upload("\(Self.path)/send", on: Self.path, fields, file: nil)
            #expect(sent.status == 303 && again.header("Location") == Self.path)
            let messages = try await account.allMessages()
            #expect(messages.map { $0["contact"] } == ["+18005550100", "+18005550101"])
            #expect(
                messages.map { $0["content"] } == [
                    "Hello <b>Ann</b>,\n\"+18005550100\" ш", "Hello {{number}},\n\"+18005550101\" ш",
                ])
        }
    }

    @Test func whatIsMissingIsToldAtOnceAndTheFileNeedNotBeChosenAgain() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let file = "Name,Mobile,City\n,+18005550100,\nBob,x,\n"
            let mapping = [("to", "column 1"), ("from", phone.number), ("text", "typed")]
            let missing = try await Self.columns(page, file, mapping + [("content", "{{name}} {{City}} <b>")])
            #expect(missing.status == 422 && missing.text.contains("Nothing was sent of list.csv"))
            #expect(
                missing.text.contains(">2, 3</td><td class=\"break\">There is nothing to put in the place of {{City}}.")
            )
            #expect(
                missing.text.contains(">2</td><td class=\"break\">There is nothing to put in the place of {{name}}."))
            #expect(missing.text.contains("Mobile: x is not a phone number. Write it like +18005550100."))
            #expect(missing.text.contains(">{{name}} {{City}} &lt;b&gt;</textarea>"))

            let fixed = Self.fields(of: missing.text) + mapping + [("content", "Hi")]
            let still = try await page.upload("\(Self.path)/columns", on: Self.path, fixed, file: nil)
            #expect(still.status == 422 && !still.text.contains("There is nothing to put"))
            for (more, words) in [
                ([("to", ""), ("from", ""), ("text", "typed")], "Choose the column with the numbers"),
                ([("to", "column 99")] + mapping.dropFirst() + [("content", "Hi")], "has no heading in the file"),
                ([("to", "column -1")] + mapping.dropFirst() + [("content", "Hi")], "has no heading in the file"),
                (mapping + [("content", "{{nobody}}")], "no column of the file is called so"),
                ([("to", "column 1"), ("from", phone.number), ("text", "text x")], "Choose one of your texts first."),
                ([("to", "column 1"), ("from", "+18005550177"), ("text", "column 0")], "is not registered on your"),
            ] as [([(String, String)], String)] {
                let answer = try await Self.columns(page, file, more)
                #expect(answer.status == 422 && answer.text.contains(words), "\(words): \(answer.text)")
            }
            #expect(missing.text.contains("<input id=\"document\" name=\"document\" type=\"file\" required"))
            let better = Array("Name,Mobile\nBob,+18005550100\n".utf8)
            let corrected = try await page.upload(
                "\(Self.path)/columns", on: Self.path, mapping + [("content", "Hi {{name}}")],
                file: ("document", "better.csv", better))
            #expect(corrected.status == 200 && corrected.text.contains("1 message in better.csv"))
            #expect(corrected.text.contains("Hi Bob"))
            let lost = try await page.upload("\(Self.path)/columns", on: Self.path, mapping, file: nil)
            #expect(lost.status == 422 && lost.text.contains("The file did not come along."))
            let empty = try await page.upload(
                "\(Self.path)/columns", on: Self.path,
                [("again", "yes"), ("name", "a.csv"), ("document", "")] + mapping, file: nil)
            #expect(empty.status == 422 && empty.text.contains("The file is empty."))
            #expect(try await account.allMessages().isEmpty)
        }
    }

    /// A file with the known headings is shown at once, and can be given one text all the same.
    @Test func oneTextTakesThePlaceOfThoseOfAFile() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let known = try await page.upload(
                Self.path, on: Self.path,
                file: ("document", "list.csv", Array((BulkFile.header + BulkFile.row).utf8)))
            #expect(known.text.contains("1 message in list.csv") && known.text.contains("with 1 SMS in all"))
            let asked = try await page.upload(
                "\(Self.path)/columns", on: Self.path, Self.fields(of: known.text) + [("again", "yes")], file: nil)
            #expect(asked.status == 200 && asked.text.contains("<option value=\"column 0\" selected>FromPhoneNumber<"))
            #expect(asked.text.contains("<option value=\"column 2\" selected>Content</option>"))

            let mapping = [
                ("to", "column 1"), ("from", "column 0"), ("text", "typed"), ("content", "One for all\r\n{{number}}"),
            ]
            let preview = try await page.upload(
                "\(Self.path)/columns", on: Self.path, Self.fields(of: asked.text) + mapping, file: nil)
            let again = try await page.upload(
                "\(Self.path)/columns", on: Self.path, Self.fields(of: preview.text) + [("again", "yes")], file: nil)
            #expect(again.text.contains("One for all\n{{number}}</textarea>"))
            #expect(again.text.contains("<option value=\"column 1\" selected>ToPhoneNumber</option>"))
            let sent = try await page.upload(
                "\(Self.path)/send", on: Self.path, Self.fields(of: preview.text), file: nil)
            #expect(sent.status == 303)
            #expect(try await account.allMessages().map { $0["content"] } == ["One for all\n+18005550100"])

            // A stranger's saved text is nobody's here.
            let stranger = try await server.makeAccount()
            let foreign = try await stranger.client.post("/v1/texts", ["name": "a", "content": "Secret"]).data["id"]
                .string
            let refused = try await page.upload(
                "\(Self.path)/columns", on: Self.path,
                Self.fields(of: asked.text)
                    + [("to", "column 1"), ("from", "column 0"), ("text", "text \(foreign)")], file: nil)
            #expect(refused.status == 422 && !refused.text.contains("Secret"))
        }
    }
}
