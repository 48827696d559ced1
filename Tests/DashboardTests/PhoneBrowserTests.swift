import Foundation
import TestSupport
import Testing

/// The phones in a real browser.
@Suite(.serialized, .timeLimit(.minutes(15))) struct PhoneBrowserTests {
    @Test(arguments: Browser.Look.allCases)
    func aPhoneIsConnectedSetUpAndSeen(_ look: Browser.Look) async throws {
        try await withServer { server in
            try await withBrowser(look) { browser in
                let account = try await server.makeAccount()
                try await browser.signIn(account, on: server)

                try await browser.open(server.baseURL + "/phones")
                try await browser.inspect("phones-none", look)
                try await browser.follow(".empty .button")
                try await browser.inspect("phone-new", look)
                try await browser.follow("form[action='/phones/new'] button")
                try await browser.waitFor("It is shown now and never again.")
                try await browser.inspect("phone-new-key", look)
                let key = try await browser.run("return document.getElementById('api-key').textContent").string
                let app = server.client(key: key)
                _ = try await app.put(
                    "/v1/phones/fcm-token", ["phone_number": "+18005550199", "fcm_token": "token", "sim": "SIM1"])
                try await browser.waitFor("It has logged in")
                _ = try await app.post("/v1/heartbeats", ["phone_numbers": ["+18005550199"]])
                try await browser.waitFor("Connected")
                #expect(try await browser.text().contains(key))
                try await browser.inspect("phone-new-connected", look)
                for minutes in Self.pauses {
                    _ = try await app.post(
                        "/v1/heartbeats", ["phone_numbers": ["+18005550199"], "charging": .bool(minutes == 15)])
                    server.clock.advance(by: .seconds(minutes * 60))
                }
                _ = try await app.post("/v1/heartbeats", ["phone_numbers": ["+18005550199"], "charging": true])

                try await browser.open(server.baseURL + "/phones/schedules")
                try await browser.inspect("schedules-none", look)
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
                try await browser.inspect("schedule-form", look)
                try await browser.run("document.getElementById('start-1-1').value = '18:00'")
                try await browser.follow(".actions button")
                try await browser.waitFor("09:00 to 17:00, 18:00 to 20:00")
                try await browser.inspect("schedules", look)
                try await browser.follow("main h2 a")
                try await browser.run("document.getElementById('week').scrollIntoView()")
                try await browser.inspect("schedule", look)

                try await browser.open(server.baseURL + "/phones")
                try await browser.inspect("phones", look)
                try await browser.follow("main h2 a")
                try await browser.type("Call you back at five", into: "#reply")
                try await browser.run("document.getElementById('schedule').selectedIndex = 1")
                try await browser.follow("form.fields button")
                try await browser.waitFor("The changes were saved.")
                try await browser.inspect("phone", look)
                try await browser.run("document.getElementById('heartbeats').scrollIntoView()")
                try await browser.inspect("phone-heartbeats", look)
                try await browser.run("document.querySelector('form.fields').scrollIntoView()")
                try await browser.inspect("phone-settings", look)
                try await browser.follow(".tabs a:last-child")
                try await browser.waitFor("since it was first heard")
                try await browser.inspect("phone-week", look)
                try await browser.open(server.baseURL + "/phones/keys")
                try await browser.inspect("phone-keys", look)
                #expect(try await browser.complaints() == [])
            }
        }
    }

    @Test(arguments: Browser.Look.allCases)
    func aPhoneIsPairedAndWatched(_ look: Browser.Look) async throws {
        try await withServer(["APP_URL": "https://sms.example.com"]) { server in
            try await withBrowser(look) { browser in
                let account = try await server.makeAccount()
                try await browser.signIn(account, on: server)

                _ = try await account.client.put("/v1/phones", ["phone_number": "+18005550177"])
                for (path, name) in [("/", "overview"), ("/phones", "phones"), ("/messages/new", "message-form")] {
                    try await browser.open(server.baseURL + path)
                    try await browser.waitFor("no app has logged in")
                    try await browser.inspect("\(name)-unreached", look)
                }
                try await browser.open(server.baseURL + "/phones/new")
                try await browser.type("12", into: "#sim1")
                try await browser.follow("form[action='/phones/new/pair'] button")
                try await browser.waitFor("international")
                try await browser.inspect("phone-pair-wrong", look)
                try await browser.run("document.getElementById('sim1').value = '+18005550199'")
                try await browser.type("Kitchen", into: "#phone-name")
                try await browser.follow("form[action='/phones/new/pair'] button")
                try await browser.waitFor("Open this page on the phone")
                try await browser.inspect("connect", look)
                let code = try await browser.run("return document.getElementById('pairing-code').textContent").string
                try await browser.run("document.getElementById('checks').scrollIntoView()")

                // The page is watched by whoever holds the phone, too, who is not signed in.
                let page = try await browser.run("return location.href").string
                try await browser.run("document.querySelector('form.who').submit()")
                try await browser.waitFor("Sign in")
                try await browser.open(page)
                let answer = try await DevicePhone.register(
                    server, "Code \(code)", ["name": "pixel", "pushToken": "x"])
                let device = DevicePhone(
                    client: server.client, id: answer.json["id"].string, token: answer.json["token"].string,
                    version: "1.66.0")
                try await browser.waitFor("which never come")
                try await browser.run("document.getElementById('checks').scrollIntoView()")
                try await browser.inspect("connect-wrong", look)
                _ = try await device.send("PATCH", "/device", ["id": .string(device.id), "simCards": []])
                for path in ["/webhooks", "/settings", "/message"] { _ = try await device.send("GET", path) }
                try await browser.waitFor("it has its settings")
                try await browser.inspect("connect-registered", look)

                let number = try await account.client.get("/v1/devices").data[0]["numbers"][0]
                let id = number["phone_id"].string
                try await browser.open(server.baseURL + "/sign-in")
                try await browser.type(account.email, into: "#email")
                try await browser.type("correct horse", into: "#password")
                try await browser.click("main button")
                try await browser.waitFor("At a glance")
                try await browser.open(server.baseURL + "/phones/\(id)")
                try await browser.waitFor("Pair again")
                try await browser.inspect("phone-device", look)
                try await browser.run("document.getElementById('device-title').scrollIntoView()")
                try await browser.inspect("phone-device-card", look)
                #expect(try await browser.complaints() == [])
            }
        }
    }

    /// A day and a half of heartbeats, with two outages; minutes from one to the next.
    private static let pauses =
        Array(repeating: 15, count: 60) + [150] + Array(repeating: 15, count: 30) + Array(repeating: 14, count: 20)
        + [200] + Array(repeating: 15, count: 12)

}
