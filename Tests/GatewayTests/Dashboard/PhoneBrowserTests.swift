import Foundation
import TestSupport
import Testing

/// The phones in a real browser.
@Suite(.serialized, .timeLimit(.minutes(3))) struct PhoneBrowserTests {
    @Test(arguments: [Browser.Look.desktopLight, .phoneDark])
    func aPhoneIsConnectedSetUpAndSeen(_ look: Browser.Look) async throws {
        try await withServer { server in
            try await withBrowser(look) { browser in
                let account = try await server.makeAccount()
                try await Self.signIn(account, server, browser)

                try await browser.open(server.baseURL + "/phones")
                try await Self.inspect("phones-none", look, browser)
                try await browser.follow(".empty .button")
                try await Self.inspect("phone-new", look, browser)
                try await browser.follow("form[action='/phones/new'] button")
                try await browser.waitFor("It is shown now and never again.")
                try await Self.inspect("phone-new-key", look, browser)
                let key = try await browser.run("return document.getElementById('api-key').textContent").string
                let app = server.client(key: key)
                _ = try await app.put(
                    "/v1/phones/fcm-token", ["phone_number": "+18005550199", "fcm_token": "token", "sim": "SIM1"])
                try await browser.waitFor("It has logged in")
                _ = try await app.post("/v1/heartbeats", ["phone_numbers": ["+18005550199"]])
                try await browser.waitFor("Connected")
                #expect(try await browser.text().contains(key))
                try await Self.inspect("phone-new-connected", look, browser)
                for minutes in Self.pauses {
                    _ = try await app.post(
                        "/v1/heartbeats", ["phone_numbers": ["+18005550199"], "charging": .bool(minutes == 15)])
                    server.clock.advance(by: .seconds(minutes * 60))
                }
                _ = try await app.post("/v1/heartbeats", ["phone_numbers": ["+18005550199"], "charging": true])

                try await browser.open(server.baseURL + "/phones/schedules")
                try await Self.inspect("schedules-none", look, browser)
                try await browser.follow(".head .button")
                #expect(
                    try await browser.run("return document.getElementById('timezone').value")
                        == browser.run("return Intl.DateTimeFormat().resolvedOptions().timeZone"))
                try await browser.type("Office hours", into: "#name")
                try await browser.follow("[name=add][value='1']")
                #expect(try await browser.run("return document.activeElement.id") == "start-1-1")
                try await browser.run(
                    """
                    document.getElementById("start-1-1").value = "16:00";
                    document.getElementById("end-1-1").value = "20:00";
                    """)
                try await browser.follow(".actions button")
                try await browser.waitFor("contains overlapping windows")
                try await Self.inspect("schedule-form", look, browser)
                try await browser.run("document.getElementById('start-1-1').value = '18:00'")
                try await browser.follow(".actions button")
                try await browser.waitFor("09:00 to 17:00, 18:00 to 20:00")
                try await Self.inspect("schedules", look, browser)
                try await browser.follow("main h2 a")
                try await browser.run("document.getElementById('week').scrollIntoView()")
                try await Self.inspect("schedule", look, browser)

                try await browser.open(server.baseURL + "/phones")
                try await Self.inspect("phones", look, browser)
                try await browser.follow("main h2 a")
                try await browser.type("Call you back at five", into: "#reply")
                try await browser.run("document.getElementById('schedule').selectedIndex = 1")
                try await browser.follow("form.fields button")
                try await browser.waitFor("The settings were saved.")
                try await Self.inspect("phone", look, browser)
                try await browser.run("document.getElementById('heartbeats').scrollIntoView()")
                try await Self.inspect("phone-heartbeats", look, browser)
                try await browser.run("document.querySelector('form.fields').scrollIntoView()")
                try await Self.inspect("phone-settings", look, browser)
                try await browser.follow(".tabs a:last-child")
                try await browser.waitFor("of the last 7 days")
                try await Self.inspect("phone-week", look, browser)
                try await browser.open(server.baseURL + "/phones/keys")
                try await Self.inspect("phone-keys", look, browser)
                #expect(try await browser.complaints() == [])
            }
        }
    }

    /// A day and a half of heartbeats, with two outages; minutes from one to the next.
    private static let pauses =
        Array(repeating: 15, count: 60) + [150] + Array(repeating: 15, count: 30) + Array(repeating: 14, count: 20)
        + [200] + Array(repeating: 15, count: 12)

    private static func signIn(_ account: Account, _ server: TestServer, _ browser: Browser) async throws {
        try await browser.open(server.baseURL + "/first-sign-in")
        try await browser.type(account.email, into: "#email")
        try await browser.type(account.apiKey, into: "#api-key")
        try await browser.type("correct horse", into: "#password")
        try await browser.click("main button")
        try await browser.waitFor("At a glance")
    }

    /// Looks for barriers, and keeps a picture when HTTPSMS_SCREENSHOTS is set.
    private static func inspect(_ name: String, _ look: Browser.Look, _ browser: Browser) async throws {
        #expect(try await browser.barriers() == [], "\(name), \(look)")
        guard ProcessInfo.processInfo.environment["HTTPSMS_SCREENSHOTS"] == "1" else { return }
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../screenshots")
            .standardized
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try await browser.screenshot().write(to: folder.appending(path: "\(name)-\(look.rawValue).png"))
    }
}
