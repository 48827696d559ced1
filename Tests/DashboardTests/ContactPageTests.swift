import Foundation
import TestSupport
import Testing

@testable import Gateway

/// The pages of contacts.
@Suite(.timeLimit(.minutes(15))) struct ContactPageTests {
    private static func contacts(_ account: Account) async throws -> [JSON] {
        try await account.client.get("/v1/contacts?limit=100").data.array
    }

    @Test(arguments: Engine.enabled) func aContactIsAddedFoundChangedAndDeleted(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            #expect(try await page.get("/contacts").text.contains("No contact yet"))
            _ = try await phone.receive(["from": "+18005550101", "content": "Hello"])
            let thread = try await MessagePageTests.firstThread(page)
            let conversation = try await page.get(thread).text
            let link = try #require(conversation.firstMatch(of: /href="([^"]+)">Add a name</)?.1)
            let new = String(link).replacing("&amp;", with: "&")
            #expect(conversation.contains("<a href=\"tel:+18005550101\">"))
            #expect(try await page.get(new).text.contains(">+18005550101</textarea>"))

            let id = thread.split(separator: "/").last.map(String.init) ?? ""
            let fields = [
                ("name", "Zoë \"<b>\""), ("numbers", "+1 800 555 0101\r\n12345\r\n"), ("emails", "Zoe@Example.com"),
                ("note", "pays\r\nlate"), ("thread", id),
            ]
            let saved = try await page.submit("/contacts/new", on: new, fields)
            #expect(saved.header("Location") == "\(thread)?notice=saved")
            let contact = try #require(try await Self.contacts(account).first)
            #expect(contact["phone_numbers"] == ["+18005550101", "12345"] && contact["emails"] == ["zoe@example.com"])
            let path = "/contacts/\(contact["id"].string)"
            let known = try await page.get(thread).text
            #expect(known.contains("href=\"\(path)?thread=\(id.replacing("-", with: "%2D"))\">Contact</a>"), "\(known)")

            let list = try await page.get("/contacts?query=zoe").text
            #expect(list.contains("<bdi>Zoë &quot;&lt;b&gt;&quot;</bdi>") && list.contains("1 contact found"))
            #expect(list.contains("href=\"/messages/new?to=%2B18005550101\""))
            #expect(try await page.get("/contacts?query=nobody").text.contains("0 contacts found"))

            // What only programs keep stays.
            let kept = contact.with(["properties": ["company_name": "Müller", "note": "pays\r\nlate"]])
            _ = try await account.client.put("/v1/contacts/\(contact["id"].string)", kept)
            _ = try await page.submit(path, on: path, [("name", "Ann"), ("numbers", "12345"), ("note", "")])
            let changed = try #require(try await Self.contacts(account).first)
            #expect(changed["name"] == "Ann" && changed["properties"] == ["company_name": "Müller"])

            let stranger = try await server.signedInWithPhone().page
            #expect(try await stranger.get(path).status == 404)
            #expect(try await stranger.submit("\(path)/delete", on: "/account", []).status == 404)
            #expect(try await stranger.submit(path, on: "/account", [("name", "x"), ("numbers", "1")]).status == 404)
            let deleted = try await page.submit("\(path)/delete", on: path, [])
            #expect(deleted.header("Location") == "/contacts?notice=deleted")
            #expect(try await page.get(path).status == 404)
            #expect(try await page.get("/contacts/x").status == 404)
        }
    }

    @Test func whatIsWrongStandsAtItsField() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let answer = try await page.submit(
                "/contacts/new", on: "/contacts/new",
                [("name", " "), ("numbers", "<script>\n+18005550101"), ("emails", "x"), ("note", "kept")])

            #expect(answer.status == 422)
            for text in [
                "Enter a name.", "“&lt;script&gt;” is not a phone number.", "“x” is not an e-mail address.", ">kept<",
            ] { #expect(answer.text.contains(text), "\(text)") }
            #expect(!answer.text.contains("<script>\n") && !answer.text.contains("E.164"))
            #expect(try await Self.contacts(account).isEmpty)
            let long = [("name", String(repeating: "é", count: 255)), ("numbers", "12345")]
            #expect(try await page.submit("/contacts/new", on: "/contacts/new", long).text.contains("too long"))
        }
    }

    @Test func aSecondClickAddsNobodyTwice() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let form = try await page.get("/contacts/new").text
            let once = try #require(form.firstMatch(of: /name="once" value="([^"]+)"/)?.1)
            let fields = [("name", "Ann"), ("numbers", "12345"), ("once", String(once))]
            for _ in 0..<2 {
                let answer = try await page.submit("/contacts/new", on: "/contacts/new", fields)
                #expect(answer.status == 303)
            }
            #expect(try await Self.contacts(account).count == 1)
        }
    }

    @Test(arguments: Engine.enabled) func anAddressBookIsCheckedStoredAndTakenAway(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let (page, account, _) = try await server.signedInWithPhone()
            _ = try await account.client.post(
                "/v1/contacts", [["name": "ann lee", "phone_numbers": ["+18005550101"], "properties": ["vip": "yes"]]])
            let table = """
                Name,Phone numbers,Emails,Note
                Ann Lee,+18005550101; +18005550102,a@b.c,
                <script>alert(1)</script>,+18005550103,,"=2+3"
                Bob,nonsense,,
                """
            let preview = try await page.upload(
                "/contacts/import", on: "/contacts/import", file: ("document", "book.csv", Array(table.utf8)))
            #expect(preview.text.contains("book.csv: 1 new, 1 known already"))
            #expect(preview.text.contains("“nonsense” is not a phone number."))
            #expect(!preview.text.contains("<script>alert") && preview.text.contains("Store 2 contacts"))
            #expect(try await Self.contacts(account).count == 1)

            let document = Data(table.utf8).base64EncodedString()
            for _ in 0..<2 {
                let stored = try await page.upload(
                    "/contacts/import/store", on: "/contacts/import",
                    [("name", "book.csv"), ("type", "text/csv"), ("document", document)], file: nil)
                #expect(stored.header("Location") == "/contacts?notice=stored", "\(stored.text)")
            }
            let contacts = try await Self.contacts(account).sorted { $0["name"].string < $1["name"].string }
            #expect(contacts.map { $0["name"].string } == ["<script>alert(1)</script>", "ann lee"])
            #expect(contacts[1]["phone_numbers"] == ["+18005550101", "+18005550102"])
            #expect(contacts[1]["properties"] == ["vip": "yes"] && contacts[0]["properties"] == ["note": "=2+3"])

            let csv = try await page.get("/contacts/export.csv")
            #expect(csv.header("Content-Type") == "text/csv; charset=utf-8" && csv.text.contains("\"'=2+3\""))
            // A table that was changed changes the contact whose id it has.
            let renamed = csv.text.replacing("ann lee", with: "Ann Miller")
            _ = try await page.upload(
                "/contacts/import/store", on: "/contacts/import",
                [("name", "a.csv"), ("document", Data(renamed.utf8).base64EncodedString())], file: nil)
            #expect(try await Self.contacts(account).map { $0["name"].string }.sorted().last == "Ann Miller")
            #expect(try await Self.contacts(account).count == 2)
            let cards = try await page.get("/contacts/export.vcf").text
            #expect(cards.matches(of: /BEGIN:VCARD/).count == 2 && cards.contains("FN:Ann Miller\r\n"))

            // The ids of somebody else's contacts are nobody's here.
            let (other, stranger, _) = try await server.signedInWithPhone()
            let foreign = try await other.upload(
                "/contacts/import/store", on: "/contacts/import",
                [("name", "a.csv"), ("document", Data(renamed.utf8).base64EncodedString())], file: nil)
            #expect(foreign.status == 303)
            #expect(try await Self.contacts(stranger).count == 2)
            #expect(try await Self.contacts(account).count == 2)
            #expect(try await other.get("/contacts/export.csv").text.contains("Ann Miller"))
        }
    }

    @Test func aFileThatIsNoneIsRefused() async throws {
        try await withServer { server in
            let page = try await server.signedInWithPhone().page
            let bad = try await page.upload(
                "/contacts/import", on: "/contacts/import", file: ("document", "a.csv", Array("x,y\n1,2\n".utf8)))
            #expect(bad.status == 422 && bad.text.contains("The first row has to name the columns"))
            let none = try await page.upload(
                "/contacts/import/store", on: "/contacts/import", [("document", "!")], file: nil)
            #expect(none.status == 422 && none.text.contains("The file did not come along."))
        }
    }
}
