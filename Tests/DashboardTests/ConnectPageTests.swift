import Storage
import TestSupport
import Testing
import Timestamps

@testable import Dashboard
@testable import Gateway

/// Connecting a phone with the SMSGate app in the dashboard, and what is done with its device there.
@Suite(.timeLimit(.minutes(15))) struct ConnectPageTests {
    private static let site = ["APP_URL": "https://sms.example.com"]

    /// Pairs a phone in the dashboard, and gives where that leads.
    private static func pair(
        _ page: PageClient,
        _ fields: [(String, String)] = [("sim1", "+18005550199"), ("sim2", ""), ("name", "Kitchen")]
    ) async throws -> String {
        try #require(try await page.submit("/phones/new/pair", on: "/phones/new", fields).header("Location"))
    }

    private static func first(_ pattern: String, in text: String) throws -> String {
        try #require(try Regex("id=\"\(pattern)\">([^<]+)<").firstMatch(in: text)?.output[1].substring.map(String.init))
    }

    @Test(arguments: Engine.enabled) func aPhoneIsPairedWithThePagesAlone(engine: Engine) async throws {
        try await withServer(Self.site, on: engine) { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let path = try await Self.pair(page)
            let own = try await page.get(path).text
            // The phone's browser is not signed in.
            let there = PageClient(baseURL: server.baseURL)
            let before = try await there.get(path).text
            let code = try Self.first("pairing-code", in: before)
            let token = try Self.first("private-token", in: before)

            #expect(path == "/connect?token=\(token)")
            #expect(own.contains("<pre id=\"page-url\">https://sms.example.com\(path)</pre>"))
            #expect(own.contains("d=\"\(try #require(QRCode("https://sms.example.com" + path)).path)\""))
            #expect(!before.contains("page-url") && !before.contains("href=\"/phones\""))
            let command = "phone simulate --app smsgate --url https://sms.example.com/api/mobile/v1 --code \(code)<"
            #expect(own.contains(command) && !before.contains("phone simulate"))
            #expect(before.contains("<pre id=\"api-url\">https://sms.example.com/api/mobile/v1</pre>"))
            #expect(before.contains("<strong>Registered</strong> <span class=\"status \">waiting</span>"))
            #expect(before.contains("data-live data-alone data-open"))

            let answer = try await DevicePhone.register(
                server, "Code \(code)", ["name": "pixel", "pushToken": "vendor"])
            let device = DevicePhone(
                client: server.client, id: answer.json["id"].string, token: answer.json["token"].string)
            let wrong = try await there.get(path).text
            #expect(wrong.contains("<strong>Notification channel</strong> <span class=\"status failed\">wrong</span>"))
            #expect(!wrong.contains("pairing-code"))

            _ = try await device.send("PATCH", "/device", ["id": .string(device.id), "simCards": []])
            _ = try await device.send("GET", "/webhooks")
            _ = try await device.send("GET", "/settings")
            _ = try await device.pull()
            let later = try await there.get(path).text
            #expect(later.matches(of: /<span class="status completed">done<\/span>/).count == 5)
            #expect(later.contains("<strong>Connection open</strong> <span class=\"status \">waiting</span>"))
            #expect(later.contains("Send an SMS to +18005550199"))
            let phone = try await account.client.get("/v1/devices").data[0]
            #expect(phone["name"] == "Kitchen")
        }
    }

    @Test func whatIsWrongWithTheNumbersStandsOnThePage() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()

            let refused = try await page.submit(
                "/phones/new/pair", on: "/phones/new", [("sim1", "12"), ("sim2", "+18005550188"), ("name", "<b>")])

            #expect(refused.status == 422)
            #expect(
                refused.text.contains(
                    "<p id=\"sim1-hint\" class=\"hint\"><span class=\"wrong\">Enter a number in the international format"
                ))
            #expect(refused.text.contains("value=\"+18005550188\"") && refused.text.contains("value=\"&lt;b&gt;\""))
            #expect(try await account.client.get("/v1/devices").data.array.isEmpty)
        }
    }

    @Test func withoutHTTPSThePageSaysWhatToSet() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()

            let text = try await page.get(Self.pair(page)).text

            #expect(text.contains("Set APP_URL"))
            let numbers: JSON = ["numbers": [["sim": "SIM1", "phone_number": "+18005550199"]]]
            #expect(try await account.client.post("/v1/devices/pairings", numbers).data["page_url"] == .null)
        }
    }

    @Test func aPageThatIsOverSaysSo() async throws {
        try await withServer { server in
            let page = try await server.signedInWithPhone().page
            let path = try await Self.pair(page)
            server.advance(by: .seconds(901))

            for path in [
                path, "/connect", "/connect?token=pt_x", "/connect?token=" + String(repeating: "a", count: 5_000),
            ] {
                let answer = try await PageClient(baseURL: server.baseURL).get(path)
                #expect(answer.status == 404 && answer.text.contains("This page has expired"), "\(path)")
            }
        }
    }

    @Test(arguments: Engine.enabled) func aDeviceIsPairedAgainAsItself(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let old = try await DevicePhone.make(server, account)

            let path = try await page.submit("/phones/devices/\(old.id)/pair", on: "/phones/\(phone.id)", [])
                .header("Location")
            let code = try Self.first("pairing-code", in: try await page.get(#require(path)).text)
            #expect(try await old.send("GET", "/message").status == 200)
            let answer = try await DevicePhone.register(server, "Code \(code)")

            #expect(answer.json["id"].string == old.id)
            #expect(try await old.send("GET", "/message").status == 401)
            let devices = try await account.client.get("/v1/devices").data.array
            #expect(devices.map { $0["numbers"].array.count } == [1])
            // From now on the new private token is the device's.
            let token = try #require(path).split(separator: "=").last ?? ""
            #expect(try await DevicePhone.register(server, "Bearer \(token)").json["id"].string == old.id)
        }
    }

    @Test(arguments: Engine.enabled) func aLostPhoneIsLockedOutAndComesBackByPairing(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let lost = try await DevicePhone.make(server, account)
            let hook = try await lost.hookPath()
            let waiting = try await account.send()["id"].string
            _ = try await server.message(waiting, of: account, is: "scheduled")

            let path = "/phones/\(phone.id)"
            let revoked = try await page.submit(
                "/phones/devices/\(lost.id)/revoke", on: path, [("phone_id", phone.id)])
            #expect(revoked.header("Location") == "\(path)#device-title")

            #expect(try await lost.send("GET", "/message").status == 401)
            #expect(try await lost.post("system:ping", [:], id: "1", to: hook).status == 404)
            #expect(try await account.message(waiting)["failure_reason"].string.contains("locked out"))
            #expect(try await page.get(path).text.contains("The tokens of its device were revoked"))
            let next = try await account.send()["id"].string
            let failed = try await server.message(next, of: account, is: "failed")
            #expect(failed["failure_reason"].string.contains("pair it again"))

            let again = try #require(
                try await page.submit("/phones/devices/\(lost.id)/pair", on: path, []).header("Location"))
            let code = try Self.first("pairing-code", in: try await page.get(again).text)
            #expect(try await DevicePhone.register(server, "Code \(code)").json["id"].string == lost.id)
            let last = try await account.send()["id"].string
            _ = try await server.message(last, of: account, is: "scheduled")
        }
    }

    @Test(arguments: ["revoke", "delete"])
    func lockingOutEndsWhatWasBegunToPairAgain(act: String) async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let device = try await DevicePhone.make(server, account)
            let path = "/phones/\(phone.id)"
            let begun = try #require(
                try await page.submit("/phones/devices/\(device.id)/pair", on: path, []).header("Location"))
            let code = try Self.first("pairing-code", in: try await page.get(begun).text)

            _ = try await page.submit("/phones/devices/\(device.id)/\(act)", on: path, [])

            #expect(try await page.get(begun).status == 404)
            #expect(try await DevicePhone.register(server, "Code \(code)").status == 401)
        }
    }

    @Test func aRevokedDeviceLosesItsStream() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let device = try await DevicePhone.make(server, account)
            let stream = try await server.store.read { tx in
                try DeviceTeller.News(of: #require(DeviceID(device.id)), in: tx)
            }
            #expect(stream != nil)

            _ = try await page.submit("/phones/devices/\(device.id)/revoke", on: "/phones/\(phone.id)", [])

            let after = try await server.store.read { tx in
                try DeviceTeller.News(of: #require(DeviceID(device.id)), in: tx)
            }
            #expect(after == nil)
        }
    }

    @Test func anInboxIsAskedForOnceThePhoneIsConnected() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let device = try await DevicePhone.make(server, account)
            let path = "/phones/\(phone.id)"
            #expect(try await !page.get(path).text.contains("Fetch its inbox"))
            let id = try #require(DeviceID(device.id))
            try await server.store.write { tx in try PhoneDeviceQueries.note(.streamed, of: id, in: tx) }
            #expect(try await page.get(path).text.contains("Fetch its inbox"))

            let asked = try await page.submit("/phones/devices/\(device.id)/inbox", on: path, [("phone_id", phone.id)])

            #expect(asked.header("Location") == "\(path)#device-title")
            #expect(try await page.get(path).text.contains("<dt>Asked for its inbox</dt>"))
            let news = try await server.store.read { tx in try DeviceTeller.News(of: id, in: tx) }
            #expect(news?.inbox != nil)
        }
    }

    @Test func aDeviceIsRemovedAndAnotherAccountsIsNotThere() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let stranger = try await server.signedInWithPhone().page
            let device = try await DevicePhone.make(server, account)
            for act in ["pair", "inbox", "revoke", "delete"] {
                let path = "/phones/devices/\(device.id)/\(act)"
                #expect(try await stranger.submit(path, on: "/account", []).status == 404, "\(act)")
                #expect(try await page.submit("/phones/devices/x/\(act)", on: "/account", []).status == 404, "\(act)")
            }
            #expect(try await device.send("GET", "/message").status == 200)

            // One whose number another took can be removed from the list.
            _ = try await DevicePhone.make(server, account)
            #expect(try await page.get("/phones").text.contains("has no number any more"))
            let gone = try await page.submit("/phones/devices/\(device.id)/delete", on: "/phones", [])

            #expect(gone.header("Location") == "/phones")
            #expect(try await !page.get("/phones").text.contains("has no number any more"))
            #expect(try await page.get("/phones/\(phone.id)").text.contains("Pair again"))
        }
    }

    @Test(arguments: [
        ("1.52.0", "too old"), ("1.65.1", "skipping 1.65.2"), ("1.65.2", "loses SMS"), ("1.66.1", "loses SMS"),
        ("1.66.2", nil), ("1.68.0", nil),
    ]) func oldVersionsAreWarnedOf(version: String, advice: String?) {
        let given = AppVersion(version)?.advice
        #expect(advice.map { given?.contains($0) ?? false } ?? (given == nil))
    }
}
