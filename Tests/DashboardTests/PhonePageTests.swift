import TestSupport
import Testing

@testable import Dashboard
@testable import Gateway

/// The phones, their keys, and connecting one, over HTTP.
@Suite(.timeLimit(.minutes(15))) struct PhonePageTests {
    private static let settings = [
        ("messages_per_minute", "30"), ("max_send_attempts", "3"), ("message_expiration_seconds", "900"),
        ("missed_call_auto_reply", "Back at 5"), ("unarchive_thread", "yes"), ("sim", "SIM2"),
        ("message_send_schedule_id", ""),
    ]

    @Test func aPhoneIsListedWithItsState() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()

            let empty = try await page.get("/phones").text
            let phone = try await account.makePhone()
            let silent = try await page.get("/phones").text
            _ = try await phone.beat()
            let heard = try await page.get("/phones").text

            #expect(empty.contains("No phone yet") && empty.contains("href=\"/phones/new\""))
            #expect(!silent.contains("No phone yet"))
            #expect(silent.contains("title=\"+18005550199\">+1 800-555-0199</bdi></a>"))
            #expect(silent.contains("<span class=\"status unheard\">never heard</span>"))
            #expect(silent.contains("No heartbeat in the last 24 hours."))
            #expect(heard.contains("<span class=\"status online\">online</span>"))
            #expect(heard.contains("<dt>Battery</dt><dd>charging</dd>"))
            #expect(heard.contains("<dt>Sends</dt><dd>10 a minute</dd>"))
            #expect(heard.contains("<dt>Schedule</dt><dd>any time</dd>"))
        }
    }

    @Test func settingsAreSavedByTheRulesOfTheAPI() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()
            let path = "/phones/\(try await account.makePhone().id)"

            let saved = try await page.submit(path, on: path, Self.settings)
            let phone = try await account.client.get("/v1/phones").data.array[0]
            let refused = try await page.submit(
                path, on: path,
                Self.settings.map { field, value in
                    switch field {
                    case "messages_per_minute": (field, "61")
                    case "message_expiration_seconds": (field, "59")
                    case "missed_call_auto_reply": (field, "Changed")
                    case "message_send_schedule_id": (field, phone["id"].string)
                    default: (field, value)
                    }
                })
            let unread = try await page.submit(path, on: path, [("messages_per_minute", "many")])

            #expect(saved.header("Location") == "\(path)?notice=saved")
            #expect(try await page.get("\(path)?notice=saved").text.contains("The changes were saved."))
            #expect(phone["messages_per_minute"] == 30 && phone["max_send_attempts"] == 3)
            #expect(phone["message_expiration_seconds"] == 900 && phone["sim"] == "SIM2")
            #expect(phone["missed_call_auto_reply"] == "Back at 5" && phone["unarchive_thread"] == true)
            #expect(phone["fcm_token"] == "token")
            #expect(refused.status == 422)
            #expect(
                refused.text.contains(
                    "<p id=\"rate-hint\" class=\"hint\"><span class=\"wrong\">Enter 60 at most.</span>"))
            #expect(
                refused.text.contains(
                    "<p id=\"expiration-hint\" class=\"hint\"><span class=\"wrong\">Enter 60 at least.</span>"))
            #expect(refused.text.contains("value=\"61\"") && refused.text.contains(">Changed</textarea>"))
            #expect(unread.status == 422)
            #expect(unread.text.contains("<span class=\"wrong\">Enter a number.</span>"))
            #expect(try await account.client.get("/v1/phones").data.array[0] == phone)
        }
    }

    @Test func heartbeatsAreDrawnAndToldInWords() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()
            let phone = try await account.makePhone()
            for hours in [30, 3, 0] {
                _ = try await phone.beat()
                server.clock.advance(by: .seconds(hours * 3_600))
            }
            _ = try await phone.beat()

            let day = try await page.get("/phones/\(phone.id)").text
            let week = try await page.get("/phones/\(phone.id)?span=7d").text

            // Of the last 24 hours, the phone was silent for 21, and then for 2 after the hour that it may be; the test
            // itself takes a moment.
            #expect(day.contains(/Online 4% of the last 24 hours, 3 heartbeats, offline 2 times, in all 2[23] h/))
            #expect(day.contains("Offline for 2 h <span class=\"muted\">from "))
            #expect(week.contains("Online 6% of the 1 day 9 h since it was first heard, 4 heartbeats, offline 2 times"))
            #expect(week.contains("Offline for 1 day 5 h <span"))
            #expect(day.contains(/<rect class="bad" x="0" y="6" width="87\d" height="4"\/>/))
            #expect(day.contains(/<rect class="good" x="87\d"/) && day.contains("<rect class=\"power\""))
            #expect(day.contains("<a href=\"?span=24h\" aria-current=\"true\">24 hours</a>"))
            #expect(week.contains("<a href=\"?span=7d\" aria-current=\"true\">7 days</a>"))
        }
    }

    @Test func aKeyIsShownOnceAndMaskedEverAfter() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()

            let refused = try await page.submit("/phones/new", on: "/phones/keys", [("name", " ")])
            let made = try await page.submit("/phones/new", on: "/phones/keys", [("name", "Kitchen")])
            let key = try #require(made.text.firstMatch(of: /<pre id="api-key">(pk_[\w-]+)</).map { String($0.1) })
            let list = try await page.get("/phones/keys").text
            let login = try await server.client(key: key).put(
                "/v1/phones/fcm-token", ["phone_number": "+18005550199", "fcm_token": "token", "sim": "SIM1"])

            #expect(refused.status == 422)
            #expect(refused.text.contains("<span class=\"wrong\">Enter a name.</span>"))
            #expect(made.header("Cache-Control") == "no-store")
            #expect(made.text.contains("d=\"\(try #require(QRCode(key)).path)\""))
            #expect(made.text.contains("<code id=\"server-url\">\(server.baseURL)</code>"))
            #expect(made.text.contains("The app logs in to https:// only"))
            #expect(list.contains("<code>pk_…\(key.suffix(4))</code>") && !list.contains(key))
            #expect(try await !page.get("/phones/new").text.contains(key))
            #expect(login.status == 200)
            #expect(try await account.client.get("/v1/phone-api-keys").data.array.map(\.["name"]) == ["Kitchen"])
        }
    }

    @Test func aPhoneIsTakenFromItsKeyAndTheKeyIsDeleted() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()
            let phone = try await account.makePhone()
            let path = "/phones/keys/\(phone.keyID)"
            #expect(try await phone.beat().status == 201)

            let removed = try await page.submit("\(path)/remove", on: "/phones/keys", [("phone_id", phone.id)])
            let beat = try await phone.beat()
            let list = try await page.get("/phones/keys").text
            let deleted = try await page.submit("\(path)/delete", on: "/phones/keys", [])

            #expect(removed.header("Location") == "/phones/keys" && deleted.header("Location") == "/phones/keys")
            #expect(beat.status == 401)
            #expect(list.contains("No phone uses it yet."))
            #expect(try await page.get("/phones/keys").text.contains("No key yet"))
            #expect(try await page.submit("\(path)/delete", on: "/phones/keys", []).status == 404)
        }
    }

    @Test func aNewPhoneIsWaitedForUntilItsFirstHeartbeat() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()

            let nobody = try await page.get("/phones/new").text
            _ = try await account.client.put("/v1/phones", ["phone_number": "+18005550199"])
            let known = try await page.get("/phones/new").text
            let phone = try await account.makePhone()
            let silent = try await page.get("/phones/new").text
            _ = try await phone.beat()
            let heard = try await page.get("/phones/new").text
            server.clock.advance(by: .seconds(3_601))
            let later = try await page.get("/phones/new").text

            #expect(nobody.contains("No phone has logged in lately.") && nobody.contains("data-live data-open"))
            #expect(known.contains("It has not logged in yet."))
            #expect(silent.contains("It has logged in;"))
            #expect(silent.contains("<span class=\"status\">waiting</span>") && silent.contains("data-live data-open"))
            #expect(heard.contains("<span class=\"status online\">connected</span>") && !heard.contains("data-open"))
            #expect(later.contains("No phone has logged in lately."))
        }
    }

    @Test func aPhoneIsDeleted() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()
            let path = "/phones/\(try await account.makePhone().id)"

            let answer = try await page.submit("\(path)/delete", on: path, [])

            #expect(answer.header("Location") == "/phones")
            #expect(try await page.get(path).status == 404)
            #expect(try await account.client.get("/v1/phones").data.array == [])
        }
    }

    @Test func anotherAccountsPhonesAndKeysAreNotThere() async throws {
        try await withServer { server in
            let owner = try await server.signedIn().account
            let stranger = try await server.signedIn().page
            let phone = try await owner.makePhone()
            let before = try await owner.client.get("/v1/phones").data

            for path in ["/phones/\(phone.id)", "/phones/x"] {
                #expect(try await stranger.get(path).status == 404, "\(path)")
            }
            for (path, fields) in [
                ("/phones/\(phone.id)", Self.settings), ("/phones/\(phone.id)/delete", []),
                ("/phones/keys/\(phone.keyID)/remove", [("phone_id", phone.id)]),
                ("/phones/keys/\(phone.keyID)/delete", []), ("/phones/keys/x/delete", []),
            ] {
                #expect(try await stranger.submit(path, on: "/account", fields).status == 404, "\(path)")
            }
            #expect(try await owner.client.get("/v1/phones").data == before)
            #expect(try await phone.beat().status == 201)
        }
    }

    @Test func aFormFromElsewhereChangesNothing() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()
            let phone = try await account.makePhone()
            let before = try await account.client.get("/v1/phones").data

            for path in [
                "/phones/\(phone.id)", "/phones/\(phone.id)/delete", "/phones/new",
                "/phones/keys/\(phone.keyID)/delete",
            ] {
                let answer = try await page.post(
                    path, [("form_token", "")] + Self.settings, headers: [("Sec-Fetch-Site", "same-origin")])
                #expect(answer.status == 403, "\(path)")
            }
            #expect(try await account.client.get("/v1/phones").data == before)
            #expect(try await account.client.get("/v1/phone-api-keys").data.array.count == 1)
        }
    }

    @Test func hostileTextIsShownAsText() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()
            let script = "</textarea><script>alert(1)</script>"
            let phone = try await account.makePhone()
            _ = try await account.client.put(
                "/v1/phones", ["phone_number": "+18005550199", "missed_call_auto_reply": .string(script)])
            _ = try await account.client.post("/v1/phone-api-keys", ["name": .string(script)])
            _ = try await phone.client.send(
                "POST", "/v1/heartbeats",
                headers: [("X-Client-Version", script), ("Content-Type", "application/json")],
                body: Array(#"{"phone_numbers": ["+18005550199"]}"#.utf8))

            for path in ["/phones", "/phones/\(phone.id)", "/phones/keys"] {
                #expect(try await !page.get(path).text.contains("<script>alert"), "\(path)")
            }
            let text = try await page.get("/phones/\(phone.id)").text
            #expect(text.matches(of: /&lt;\/textarea&gt;&lt;script&gt;alert/).count == 2)
            #expect(try await page.get("/phones/keys").text.contains("&lt;script&gt;alert(1)"))
        }
    }
}
