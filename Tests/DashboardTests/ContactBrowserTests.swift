import Foundation
import TestSupport
import Testing

/// Contacts, and a file of messages that is held, in a real browser.
@Suite(.serialized, .timeLimit(.minutes(15))) struct ContactBrowserTests {
    /// A server with a conversation, and a browser that is signed in; at the end no complaint of the browser.
    private static func withBrowser(
        _ look: Browser.Look,
        _ body: @escaping @Sendable (TestServer, Browser, Account, Account.Phone) async throws -> Void
    ) async throws {
        try await withServer { server in
            try await TestSupport.withBrowser(look) { browser in
                let account = try await server.makeAccount()
                try await browser.signIn(account, on: server)
                let phone = try await account.makePhone()
                _ = try await phone.receive(["from": "+18005550101", "content": "Is my parcel there?"])
                try await body(server, browser, account, phone)
                #expect(try await browser.complaints() == [])
            }
        }
    }

    @Test(arguments: Browser.Look.usual)
    func aNumberGetsAName(_ look: Browser.Look) async throws {
        try await Self.withBrowser(look) { server, browser, account, _ in
            try await browser.open(server.baseURL + "/contacts")
            try await browser.inspect("contacts-none", look)
            try await browser.open(server.baseURL + "/messages")
            try await browser.follow("#thread-list a:first-child")
            try await browser.follow("a[href^='/contacts/new']")
            try await browser.type("Zoë Müller", into: "#name")
            try await browser.type("not an address", into: "#emails")
            try await browser.follow("main form button")
            try await browser.waitFor("is not an e-mail address.")
            try await browser.inspect("contact-form", look)
            try await browser.run("document.getElementById('emails').value = 'zoe@example.com'")
            try await browser.type("Pays late", into: "#note")
            try await browser.follow("main form button")
            try await browser.waitFor("Zoë Müller")
            try await browser.waitFor("+1 800-555-0101")
            try await browser.inspect("conversation-named", look)
            try await browser.open(server.baseURL + "/messages")
            try await browser.waitFor("Zoë Müller")
            try await browser.inspect("messages-named", look)
            try await browser.open(server.baseURL + "/contacts")
            try await browser.inspect("contacts", look)
            try await browser.follow("main .entry h2 a")
            try await browser.click("summary")
            try await browser.follow("button.danger")
            #expect(try await account.client.get("/v1/contacts").data.array.isEmpty)
        }
    }

    @Test(arguments: Browser.Look.usual)
    func anAddressBookIsCheckedAndStored(_ look: Browser.Look) async throws {
        try await Self.withBrowser(look) { server, browser, account, _ in
            try await withTemporaryDirectory { directory in
                let path = "\(directory)/book.vcf"
                let cards = """
                    BEGIN:VCARD
                    FN:Ann <b>Lee</b>
                    TEL:+18005550102
                    NOTE:Opens at nine
                    END:VCARD
                    BEGIN:VCARD
                    FN:Voicemail
                    TEL:*100#
                    END:VCARD
                    """
                try cards.write(toFile: path, atomically: true, encoding: .utf8)
                try await browser.open(server.baseURL + "/contacts/import")
                try await browser.inspect("contact-import", look)
                try await browser.choose(path, in: "#document")
                try await browser.follow("main form button")
                try await browser.waitFor("“*100#” is not a phone number.")
                try await browser.inspect("contact-preview", look)
                try await browser.follow("main form button")
                try await browser.waitFor("The contacts of the file were stored.")
                try await browser.waitFor("Ann <b>Lee</b>")
                #expect(try await account.client.get("/v1/contacts").data.array.count == 1)
            }
        }
    }

    @Test(arguments: Browser.Look.usual)
    func aFileIsHeldAndCancelled(_ look: Browser.Look) async throws {
        try await Self.withBrowser(look) { server, browser, account, _ in
            try await withTemporaryDirectory { directory in
                _ = try await account.client.put(
                    "/v1/phones", ["phone_number": "+18005550199", "messages_per_minute": 1])
                let path = "\(directory)/list.csv"
                let rows = (0..<5).map { "+18005550199,+1800555\(1_000 + $0),Hello \($0),,\n" }.joined()
                try (BulkFile.header + rows).write(toFile: path, atomically: true, encoding: .utf8)
                try await browser.open(server.baseURL + "/messages/bulk")
                try await browser.choose(path, in: "#document")
                try await browser.follow("main form button")
                try await browser.waitFor("The last one would go out")
                try await browser.follow("main form button")
                try await browser.waitFor("of 5 sent")
                try await browser.waitFor("It begins")
                try await browser.inspect("bulk-undo", look)
                try await browser.follow("form[action$='/resume'] button")
                try await browser.follow("form[action$='/pause'] button")
                try await browser.waitFor("It is paused:")
                try await browser.inspect("bulk-paused", look)
                try await browser.run("window.confirm = () => true")
                try await browser.follow("form[action$='/cancel'] button")
                try await browser.waitFor("cancelled")
                try await browser.inspect("bulk-cancelled", look)
            }
        }
    }
}
