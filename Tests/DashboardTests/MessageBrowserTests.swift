import Foundation
import TestSupport
import Testing

/// Messages in a real browser.
@Suite(.serialized, .timeLimit(.minutes(15))) struct MessageBrowserTests {
    /// The server, a browser that is signed in, and at the end no complaint of the browser.
    private static func withMessages(
        _ look: Browser.Look,
        _ body: @escaping @Sendable (TestServer, Browser, Account, Account.Phone) async throws -> Void
    ) async throws {
        try await withServer { server in
            try await withBrowser(look) { browser in
                let account = try await server.makeAccount()
                try await browser.signIn(account, on: server)
                try await browser.open(server.baseURL + "/messages")
                try await browser.inspect("messages-none", look)
                let phone = try await account.makePhone()
                _ = try await account.client.put(
                    "/v1/phones", ["phone_number": .string(phone.number), "messages_per_minute": 0])
                try await body(server, browser, account, phone)
                #expect(try await browser.complaints() == [])
            }
        }
    }

    @Test(arguments: Browser.Look.allCases)
    func aConversationIsHeldWithoutAReload(_ look: Browser.Look) async throws {
        try await Self.withMessages(look) { server, browser, account, phone in
            try await Self.converse(account, phone)
            try await browser.open(server.baseURL + "/messages")
            try await browser.inspect("messages", look)
            try await browser.open(server.baseURL + "/messages?query=parcel")
            try await browser.inspect("messages-found", look)
            try await browser.open(server.baseURL + "/messages/planned")
            try await browser.waitFor("See you tomorrow")
            try await browser.inspect("planned", look)
            try await browser.follow("#planned-list a.button")
            try await browser.inspect("planned-form", look)

            try await browser.open(server.baseURL + "/messages")
            try await browser.click("#thread-list a:first-child")
            try await browser.type("On my way ✓", into: "#text")
            #expect(try await browser.text().contains("11 characters, 1 SMS"))
            try await browser.follow(".reply button")
            try await browser.waitFor("On my way ✓")
            try await browser.run("window.isTheSamePage = true")
            _ = try await phone.receive(["from": "+18005550100", "content": "<script>alert('See you')</script>"])

            try await browser.waitFor("<script>alert('See you')</script>")
            #expect(try await browser.run("return window.isTheSamePage") == true)
            // The newest message is in sight, also after it came by itself.
            let isInSight = """
                const box = document.querySelector('.scroll').getBoundingClientRect();
                const last = [...document.querySelectorAll('.bubble')].at(-1).getBoundingClientRect();
                return last.bottom <= box.bottom && last.top >= box.top;
                """
            #expect(try await browser.run(isInSight) == true)
            try await browser.inspect("conversation", look)
        }
    }

    @Test(arguments: Browser.Look.allCases)
    func aMessageIsComposedFollowedSentAgainAndDeleted(_ look: Browser.Look) async throws {
        try await Self.withMessages(look) { server, browser, account, phone in
            try await account.makeWebhook("http://127.0.0.1:1/hook")
            try await browser.open(server.baseURL + "/messages/new")
            try await browser.type("MTN", into: "#to")
            try await browser.type("Your parcel is here.", into: "#text")
            try await browser.click("summary")
            try await browser.type("order-7", into: "#request-id")
            try await browser.follow("main .actions button")
            try await browser.waitFor("Enter a number in the international format")
            try await browser.inspect("message-form", look)
            try await browser.type("+18005550100", into: "#to")
            try await browser.follow("main .actions button")
            try await browser.follow(".about a")
            try await browser.waitFor("Handed out to the phone")
            let id = try await account.client.get("/v1/messages/search").data[0]["id"].string
            _ = try await phone.fetch(id)
            _ = try await phone.report("FAILED", id, ["reason": "RESULT_NO_DEFAULT_SMS_APP"])

            try await browser.waitFor("RESULT_NO_DEFAULT_SMS_APP")
            try await browser.waitFor("message.send.failed")
            try await browser.inspect("message", look)
            try await browser.run("window.confirm = () => true")
            try await browser.follow("form[action$='/resend'] button")
            #expect(try await browser.path() != "/messages/message/\(id)")
            try await browser.run("window.confirm = () => true")
            try await browser.follow("form[action$='/delete'] button")
            #expect(try await account.client.get("/v1/messages/search").data.array.count == 1)
        }
    }

    @Test(arguments: Browser.Look.allCases)
    func aFileIsCheckedMendedAndSent(_ look: Browser.Look) async throws {
        try await Self.withMessages(look) { server, browser, account, phone in
            try await withTemporaryDirectory { directory in
                func file(_ name: String, _ rows: String) throws -> String {
                    let path = "\(directory)/\(name)"
                    try (BulkFile.header + rows).write(toFile: path, atomically: true, encoding: .utf8)
                    return path
                }
                let good = BulkFile.row + "+18005550199,+18005550101,<script>alert(1)</script>,,\n"
                try await browser.open(server.baseURL + "/messages/bulk")
                try await browser.choose(file("broken.csv", good + "+18005550199,12,,soon,\n"), in: "#document")
                try await browser.follow("main form button")
                try await browser.waitFor("The message content is required.")
                try await browser.inspect("bulk-problems", look)
                try await browser.choose(file("customers.csv", good), in: "#document")
                try await browser.follow("main form button")
                try await browser.waitFor("<script>alert(1)</script>")
                try await browser.inspect("bulk-preview", look)
                #expect(try await account.client.get("/v1/messages/search").data.array.isEmpty)
                try await browser.follow("main form button")
                try await browser.waitFor("0 of 2 sent")
                let id = try await account.client.get("/v1/messages/search").data[0]["id"].string
                _ = try await phone.report("SENT", id)

                try await browser.waitFor("1 of 2 sent")
                try await browser.inspect("bulk-batch", look)
                try await browser.open(server.baseURL + "/messages/bulk")
                try await browser.inspect("bulk", look)
            }
        }
    }

    /// A few conversations as people have them.
    private static func converse(_ account: Account, _ phone: Account.Phone) async throws {
        // A label with bars, 60 by 36.
        let picture = """
            iVBORw0KGgoAAAANSUhEUgAAADwAAAAkCAMAAADip6m2AAAABlBMVEX69uwoLDRkaFCOAAAAJUlEQVR42mNgGAUjCDAygjAjGBPF\
            GNU8qnlU86jmQaR5FAxzAADCPgKB5iDDpwAAAABJRU5ErkJggg==
            """
        _ = try await phone.receive(["from": "MTN", "content": "Your balance is low. Dial *131# to top up."])
        _ = try await phone.client.post(
            "/v1/messages/calls/missed",
            ["from": "+18005550103", "to": .string(phone.number), "sim": "SIM1", "timestamp": "2026-01-01T10:00:00Z"])
        let failed = try await account.send(["to": "+18005550102", "content": "Your code is 4711"])["id"].string
        _ = try await phone.report("FAILED", failed, ["reason": "GENERIC_FAILURE"])
        _ = try await phone.receive(["from": "+18005550100", "content": "Hello, is my parcel there yet?"])
        let tomorrow = (Date().addingTimeInterval(86_400)).ISO8601Format()
        _ = try await account.send([
            "to": "+18005550102", "content": "See you tomorrow", "send_at": .string(tomorrow),
        ])
        let sent = try await account.send(["content": "Yes! You can fetch it until 18:00."])["id"].string
        _ = try await phone.report("SENT", sent)
        _ = try await phone.report("DELIVERED", sent)
        _ = try await phone.receive([
            "from": "+18005550100", "content": "Great, this is the number on it:",
            "attachments": [["name": "label.png", "content_type": "image/png", "content": .string(picture)]],
        ])
    }
}
