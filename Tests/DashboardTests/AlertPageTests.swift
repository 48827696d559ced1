import TestSupport
import Testing

/// Settings > Alerts, over HTTP.
@Suite(.timeLimit(.minutes(15))) struct AlertPageTests {
    private static let path = "/settings/alerts"
    private static let new = "/settings/alerts/new"

    @Test func aPlaceIsAddedTriedAndDeleted() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            try await WebhookReceiver.run { receiver in
                let before = try await page.get(Self.path).text
                let made = try await page.submit(
                    Self.new, on: Self.new,
                    [
                        ("url", receiver.url("/chat?<b>")), ("payload_format", "ntfy"), ("headers", "X-Api-Key: abc"),
                        ("all_causes", "yes"),
                    ])
                let webhook = try await account.client.get("/v1/alerts/webhooks").data[0]
                let place = "\(Self.path)/\(webhook["id"].string)"
                let shown = try await page.get(Self.path).text
                let tried = try await page.submit("\(place)/test", on: Self.path, [])
                let request = try await receiver.requests(1)[0]
                let delivery = try await page.get(try #require(tried.header("Location")))
                let deleted = try await page.submit("\(place)/delete", on: Self.path, [])

                #expect(before.contains("Nobody would be told, so nothing is listed here."))
                #expect(made.header("Location") == "\(Self.path)?notice=saved")
                #expect(
                    shown.contains("/chat?&lt;b&gt;") && !shown.contains("?<b>")
                        && !shown.contains("Nobody would be told"))
                #expect(
                    shown.contains("</span> ntfy notification · told of everything</p>") && !shown.contains("told only")
                )
                #expect(webhook["payload_format"] == "ntfy" && webhook["signing_key"] == "")
                #expect(
                    request.header("X-Api-Key") == "abc" && request.text.contains("This is what an alert looks like"))
                #expect(delivery.status == 200 && delivery.text.contains("href=\"\(Self.path)\">Alerts"))
                #expect(deleted.header("Location") == "\(Self.path)?notice=deleted")
                #expect(try await account.client.get("/v1/alerts/webhooks").data == [])
                #expect(try await page.submit("\(place)/test", on: Self.path, []).status == 404)
            }
        }
    }

    @Test func whatIsWrongStandsAtItsFieldAndNothingIsLost() async throws {
        try await withServer(["WEBHOOK_ALLOWED_NETWORKS": ""]) { server in
            let (page, account, _) = try await server.signedInWithPhone()

            let answer = try await page.submit(
                Self.new, on: Self.new,
                [
                    ("url", "ftp://x/\"><script>"), ("payload_format", "slack"), ("timeout_seconds", "99"),
                ])
            let template = try await page.submit(
                Self.new, on: Self.new,
                [
                    ("url", "https://example.com"), ("payload_format", "template"), ("template_body", "{{#a}}"),
                ])
            let inside = try await page.submit(
                Self.new, on: Self.new, [("url", "http://10.0.0.1/"), ("all_causes", "yes")])

            #expect(answer.status == 422)
            for text in [
                "Enter a URL that begins with https://", "value=\"ftp://x/&quot;&gt;&lt;script&gt;\"",
                "<option value=\"slack\" selected>Slack message</option>", "Enter 30 at most.",
                "<details class=\"more\" open>",
            ] { #expect(answer.text.contains(text), "\(text)") }
            #expect(answer.text.contains("Choose at least one event."))
            #expect(template.status == 422 && template.text.contains("{{#a}}</textarea>"))
            #expect(inside.status == 422 && inside.text.contains("public address"))
            #expect(try await account.client.get("/v1/alerts/webhooks").data == [])
        }
    }

    @Test func aSecondClickMakesNoSecondPlaceAndFiveAreAll() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let html = try await page.get(Self.new).text
            let once = try #require(html.firstMatch(of: /name="once" value="([0-9a-f]+)"/)).1
            let fields = [("once", String(once)), ("url", "http://127.0.0.1:1/"), ("all_causes", "yes")]
            for _ in 0..<2 { #expect(try await page.submit(Self.new, on: Self.new, fields).status == 303) }
            #expect(try await account.client.get("/v1/alerts/webhooks").data.array.count == 1)

            for _ in 0..<4 { _ = try await page.submit(Self.new, on: Self.new, Array(fields.dropFirst())) }
            let sixth = try await page.submit(
                Self.new, on: Self.new, [("url", "http://127.0.0.1:1/mine"), ("events", "phone.offline")])

            #expect(sixth.status == 402)
            #expect(sixth.text.contains("more than 5 webhooks") && sixth.text.contains("127.0.0.1:1/mine"))
            #expect(try await page.get(Self.path).text.contains("An account has five."))
        }
    }

    @Test func aPlaceIsChangedAndKeepsItsSecrets() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let made = try await account.client.post(
                "/v1/alerts/webhooks",
                [
                    "url": "http://127.0.0.1:1/", "signing_key": "kept under the mat",
                    "events": ["phone.offline", "disk.low"],
                    "headers": [["name": "X-Api-Key", "value": "only once"]],
                ]
            ).data
            let edit = "\(Self.path)/\(made["id"].string)/edit"
            let list = try await page.get(Self.path).text
            let form = try await page.get(edit).text
            let fields = [
                ("url", "http://127.0.0.1:1/new"), ("payload_format", "cloudevents"), ("headers", "X-Api-Key:"),
                ("events", "message.failed"),
            ]
            let saved = try await page.submit(edit, on: edit, fields)
            let changed = try await account.client.get("/v1/alerts/webhooks").data[0]
            let unsigned = try await page.submit(
                edit, on: edit, fields + [("remove_key", "yes"), ("all_causes", "yes")])
            let last = try await account.client.get("/v1/alerts/webhooks").data[0]
            let strange = edit.replacing(made["id"].string, with: "01a213dd-60a3-7aa1-9dd8-46a74f39c85b")

            #expect(
                list.contains("told only: A phone is offline; The disk of the server is nearly full")
                    && list.contains(edit))
            #expect(
                form.contains(#"value="phone.offline" checked"#) && !form.contains(#"value="message.failed" checked"#))
            #expect(!form.contains("under the mat") && !form.contains("only once"))
            #expect(saved.header("Location") == "\(Self.path)?notice=saved")
            #expect(changed["url"] == "http://127.0.0.1:1/new" && changed["events"] == ["message.failed"])
            #expect(changed["signing_key"] == "kept under the mat" && changed["headers"] == made["headers"])
            #expect(unsigned.status == 303 && last["signing_key"] == "" && last["events"] == ["*"])
            #expect(try await page.get(strange).status == 404)
        }
    }

    @Test func changesInTheAccountAreToldWhereThatIsChosen() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let fields = [("url", "http://127.0.0.1:1/"), ("payload_format", "cloudevents"), ("all_causes", "yes")]
            let plain = try await page.get(Self.new).text
            _ = try await page.submit(Self.new, on: Self.new, fields + [("events", "audit.recorded")])
            let made = try await account.client.get("/v1/alerts/webhooks").data[0]
            let edit = "\(Self.path)/\(made["id"].string)/edit"
            let (list, form) = (try await page.get(Self.path).text, try await page.get(edit).text)
            _ = try await page.submit(edit, on: edit, [fields[0], fields[1], ("events", "audit.recorded")])
            let only = try await account.client.get("/v1/alerts/webhooks").data[0]
            let after = try await page.get(Self.path).text
            _ = try await page.submit(edit, on: edit, fields)
            let last = try await account.client.get("/v1/alerts/webhooks").data[0]

            #expect(plain.contains(#"value="audit.recorded" aria"#))
            #expect(
                made["events"] == ["*", "audit.recorded"] && list.contains("told of everything, and of each change"))
            #expect(form.contains(#"value="audit.recorded" checked"#) && form.contains(#"value="yes" checked"#))
            #expect(only["events"] == ["audit.recorded"] && after.contains("told only: Each change in the account"))
            #expect(last["events"] == ["*"])
        }
    }

    @Test func quietHoursAreSetRefusedAndEnded() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            func set(_ from: String, _ until: String) async throws -> APIClient.Answer {
                try await page.submit(
                    "\(Self.path)/quiet", on: Self.path, [("quiet_from", from), ("quiet_until", until)])
            }

            #expect(try await set("22:00", "07:00").status == 303)
            let quiet = try await account.client.get("/v1/alerts/settings").data
            #expect(quiet == ["quiet_from": "22:00", "quiet_until": "07:00"])
            #expect(try await page.get(Self.path).text.contains("value=\"22:00\""))
            for (from, until, says) in [
                ("22:00", "", "Enter a time such as 22:00"), ("7", "<b>", "value=\"&lt;b&gt;\""),
                ("07:00", "07:00", "Choose another time than the beginning."),
            ] {
                let refused = try await set(from, until)
                #expect(refused.status == 422 && refused.text.contains(says), "\(from) \(until)")
            }
            #expect(try await account.client.get("/v1/alerts/settings").data == quiet)
            #expect(try await set("", "").status == 303)
            #expect(try await account.client.get("/v1/alerts/settings").data["quiet_from"] == nil)
        }
    }

    @Test func theSwitchesOfEMailAreThoseOfTheAPI() async throws {
        try await withServer(["SMTP_URL": "smtp://127.0.0.1:1", "SMTP_FROM": "sms@example.com"]) { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let before = try await page.get(Self.path).text
            let answer = try await page.submit(
                "\(Self.path)/e-mail", on: Self.path, [("about", "phones"), ("about", "nonsense")])
            let user = try await account.client.get("/v1/users/me").data

            #expect(before.contains(account.email) && !before.contains("sends no e-mail"))
            #expect(answer.header("Location") == "\(Self.path)?notice=saved")
            #expect(user["notification_heartbeat_enabled"] == true)
            #expect(user["notification_webhook_enabled"] == false)
            #expect(user["notification_message_status_enabled"] == false)
            #expect(user["notification_newsletter_enabled"] == true)
            #expect(try await page.get(Self.path).text.contains("value=\"phones\" checked"))
        }
    }

    @Test func strangersReachNothing() async throws {
        try await withServer { server in
            let (_, owner, _) = try await server.signedInWithPhone()
            let (page, _, _) = try await server.signedInWithPhone()
            let body: JSON = ["url": "http://127.0.0.1:1/secret"]
            let id = try await owner.client.post("/v1/alerts/webhooks", body).data["id"].string

            for (id, action) in [(id, "test"), (id, "delete"), ("x", "test"), ("x", "delete")] {
                #expect(try await page.submit("\(Self.path)/\(id)/\(action)", on: Self.path, []).status == 404)
            }
            #expect(try await !page.get(Self.path).text.contains("secret"))
            #expect(try await !page.get(Self.path).text.contains("disk of the server"))
            #expect(try await owner.client.get("/v1/alerts/webhooks").data.array.count == 1)
        }
    }
}
