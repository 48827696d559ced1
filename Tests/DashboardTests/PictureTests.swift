import TestSupport
import Testing
import Timestamps

/// The pictures of README, of a day in a small shop: not a test, but what draws them again when pages change.
@Suite(
    .serialized, .timeLimit(.minutes(15)),
    .enabled(if: Browser.keepsPictures, "only for `make screenshots`"))
struct PictureTests {
    private static let mobile = "+18005550142"

    @Test func theShopOfReadme() async throws {
        try await WebhookReceiver.run { request, _ in
            request.path == "/old" ? .status(404) : .status(200)
        } body: { receiver in
            try await withServer { server in
                let account = try await server.makeAccount(email: "shop@example.com")
                let phones = [try await account.makePhone(), try await account.makePhone(Self.mobile)]
                try await account.makeWebhook(receiver.url("/bookings"))
                try await account.makeWebhook(receiver.url("/old"), events: ["message.phone.received"])
                try await Self.liveADay(account, phones, server)
                try await Self.draw(account, server)
            }
        }
    }

    /// Twenty-three hours: few messages at night, many at noon, and a phone that falls silent for three of them.
    private static func liveADay(_ account: Account, _ phones: [Account.Phone], _ server: TestServer) async throws {
        let pace: [Int] = [1, 0, 0, 1, 0, 2, 3, 5, 8, 9, 12, 14, 13, 9, 8, 7, 9, 11, 12, 10, 7, 5, 3, 2]
        for (hour, count) in pace.enumerated() {
            for index in 0..<count {
                let contact = "+1800555\(1_000 + (hour * 7 + index) % 40)"
                _ = try await phones[0].receive(["from": .string(contact), "content": "Do you have a table at seven?"])
                guard index % 3 != 0 else { continue }
                let id = try await account.send(["to": .string(contact), "content": "Yes, it is yours."])["id"].string
                _ = try await phones[0].report("SENT", id)
                _ = try await phones[0].report("DELIVERED", id)
            }
            for quarter in 0..<4 {
                if !(9...11).contains(hour) { _ = try await phones[1].beat() }
                _ = try await phones[0].beat()
                server.clock.advance(by: .seconds(quarter == 3 && hour == pace.count - 1 ? 60 : 900))
            }
        }
        _ = try await phones[0].receive([
            "from": "+18005550100", "content": "Hello, is the table by the window free on Friday?",
        ])
        let sent = try await account.send(["content": "It is. Shall I keep it for you? For how many?"])["id"].string
        _ = try await phones[0].report("SENT", sent)
        _ = try await phones[0].report("DELIVERED", sent)
        _ = try await phones[0].receive(["from": "+18005550100", "content": "Four of us, at half past seven."])
        _ = try await account.send(["content": "See you on Friday at 19:30."])
    }

    private static func draw(_ account: Account, _ server: TestServer) async throws {
        try await withBrowser(.desktopLight) { browser in
            try await browser.signIn(account, on: server)
            try await browser.grow(to: 1_200)
            try await browser.keepPicture("dashboard-overview")
            try await browser.open(server.baseURL + "/settings/webhooks")
            try await browser.follow("main section:first-of-type h2 a")
            try await browser.follow("#delivery-list a")
            try await browser.waitFor("404")
            try await browser.grow(to: 1_200)
            try await browser.keepPicture("dashboard-delivery")
            // From the colours of the system to light ones, and on to dark ones.
            try await browser.follow(".theme button")
            try await browser.follow(".theme button")
            try await browser.open(server.baseURL + "/messages?owner=%2B18005550199")
            try await browser.follow("#thread-list a:first-child")
            try await browser.grow(to: 1_200)
            try await browser.keepPicture("dashboard-conversation")
            try await browser.open(server.baseURL + "/phones")
            try await browser.follow("main h2 a")
            try await browser.grow(to: 1_200)
            try await browser.keepPicture("dashboard-phone")
        }
    }
}
