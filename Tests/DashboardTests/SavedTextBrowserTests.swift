import Foundation
import TestSupport
import Testing

/// Saved texts in a real browser.
@Suite(.serialized, .timeLimit(.minutes(15))) struct SavedTextBrowserTests {
    @Test(arguments: Browser.Look.usual)
    func aTextIsSavedAndUsed(_ look: Browser.Look) async throws {
        try await withServer { server in
            try await withBrowser(look) { browser in
                let account = try await server.makeAccount()
                try await browser.signIn(account, on: server)
                let phone = try await account.makePhone()
                _ = try await phone.receive(["from": "+18005550101", "content": "Is my parcel there?"])
                try await browser.open(server.baseURL + "/messages/texts")
                try await browser.inspect("texts-none", look)
                try await browser.follow("main .empty a")
                try await browser.type("Order is ready", into: "#name")
                try await browser.type("Hello {{name}}, your order is ready.", into: "#text")
                #expect(try await browser.text().contains("40 characters, 1 SMS"))
                try await browser.inspect("text-form", look)
                try await browser.follow("main .actions button")
                try await browser.waitFor("with {{name}}")
                try await browser.inspect("texts", look)

                // Nobody has this number yet, so the text waits for a name.
                try await browser.follow("main .entry .button")
                try await browser.type("+18005550101", into: "#to")
                try await browser.follow(".texts button")
                try await browser.waitFor("there is no name for it")
                #expect(try await browser.run("return document.activeElement.id") == "text")
                try await browser.inspect("message-form-unfilled", look)

                _ = try await account.client.post(
                    "/v1/contacts", [["name": "Zoë", "phone_numbers": ["+18005550101"]]])
                try await browser.open(server.baseURL + "/messages")
                try await browser.follow("#thread-list a:first-child")
                try await browser.type("Let me see", into: "#text")
                try await browser.run("document.getElementById('saved-text').selectedIndex = 1")
                try await browser.follow(".texts button")
                func answer() async throws -> String {
                    try await browser.run("return document.getElementById('text').value").string
                }
                #expect(try await answer() == "Hello Zoë, your order is ready.")
                #expect(try await browser.text().contains("31 characters, 1 SMS"))
                try await browser.inspect("conversation-filled", look)
                // The text that was chosen is what is kept, not what stood there before.
                try await browser.open(server.baseURL + (try await browser.path()))
                #expect(try await answer() == "Hello Zoë, your order is ready.")
                try await browser.follow(".reply button")
                try await browser.waitFor("Hello Zoë, your order is ready.")
                #expect(try await answer() == "")
                #expect(try await browser.complaints() == [])
            }
        }
    }

    @Test(arguments: Browser.Look.usual)
    func aFileIsSentWithOneText(_ look: Browser.Look) async throws {
        try await withServer { server in
            try await withBrowser(look) { browser in
                let account = try await server.makeAccount()
                try await browser.signIn(account, on: server)
                _ = try await account.makePhone()
                _ = try await account.client.post(
                    "/v1/texts", ["name": "Order is ready", "content": "Hello {{name}}, fetch it until {{day}}."])
                try await withTemporaryDirectory { directory in
                    let path = "\(directory)/customers.csv"
                    let file = "Name,Mobile,Day\nZoë,+18005550101,Monday\nBob,+18005550102,\n"
                    try file.write(toFile: path, atomically: true, encoding: .utf8)
                    try await browser.open(server.baseURL + "/messages/bulk")
                    try await browser.choose(path, in: "#document")
                    try await browser.follow("main form button")
                    try await browser.waitFor("Columns and text")
                    try await browser.inspect("bulk-columns", look)
                    try await browser.run("document.getElementById('source').selectedIndex = 1")
                    try await browser.follow("main .actions button")
                    try await browser.waitFor("There is nothing to put in the place of {{day}}.")
                    try await browser.inspect("bulk-columns-problems", look)
                    try await browser.run("document.getElementById('source').selectedIndex = 0")
                    try await browser.run("document.getElementById('text').value = 'Hello {{name}}, it is here.'")
                    try await browser.follow("main .actions button")
                    try await browser.waitFor("Hello Zoë, it is here.")
                    try await browser.waitFor("with 2 SMS in all")
                    try await browser.inspect("bulk-preview-text", look)
                    try await browser.follow("main .actions button")
                    try await browser.waitFor("of 2 sent")
                    #expect(try await browser.complaints() == [])
                }
            }
        }
    }
}
