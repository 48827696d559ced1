import Foundation
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Dashboard
@testable import Gateway

/// Settings > Webhooks and the deliveries, over HTTP.
@Suite(.timeLimit(.minutes(15))) struct WebhookPageTests {
    private static let new = "/settings/webhooks/new"

    @Test func aWebhookIsMadeChangedStoppedAndDeleted() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            func webhook() async throws -> JSON {
                try await account.client.get("/v1/webhooks").data.array.first ?? .absent
            }

            let made = try await page.submit(
                Self.new, on: Self.new,
                [
                    ("url", "http://127.0.0.1:1/hook"), ("signing_key", "key"), ("events", "message.phone.received"),
                    ("events", "message.phone.sent"), ("phone_numbers", "+18005550199"),
                ])
            let path = String(try #require(made.header("Location")).prefix { $0 != "?" })
            let first = try await webhook()
            _ = try await page.submit(
                "\(path)/edit", on: "\(path)/edit",
                [
                    ("url", "http://127.0.0.1:2/hook"), ("signing_key", "other"), ("events", "message.phone.sent"),
                    ("phone_numbers", "+18005550199"), ("ordering", "message"),
                ])
            let second = try await webhook()
            var statuses: [JSON] = []
            for action in ["pause", "resume", "rotate"] {
                _ = try await page.submit("\(path)/\(action)", on: path, [])
                statuses.append(try await webhook()["status"])
            }
            let rotated = try await webhook()["signing_key"]
            let (all, failed) = (try await page.get(path).text, try await page.get("\(path)?status=failed").text)
            let deleted = try await page.submit("\(path)/delete", on: path, [])

            #expect(made.status == 303 && made.header("Location") == "\(path)?notice=made")
            #expect(all.contains("No delivery yet.") && failed.contains("No delivery fits these filters."))
            #expect(first["events"] == ["message.phone.received", "message.phone.sent"])
            #expect(second["url"] == "http://127.0.0.1:2/hook" && second["ordering"] == "message")
            #expect(second["signing_key"] == "other" && rotated != "other")
            #expect(statuses == ["paused", "active", "active"])
            #expect(deleted.header("Location") == "/settings/webhooks?notice=deleted")
            #expect(try await page.get(path).status == 404)
        }
    }

    @Test func aSecondClickMakesNoSecondWebhook() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let html = try await page.get(Self.new).text
            #expect(html.contains("name=\"all_phone_numbers\" value=\"yes\" checked"))
            let once = try #require(html.firstMatch(of: /name="once" value="([0-9a-f]+)"/)).1
            let fields = [
                ("once", String(once)), ("url", "http://127.0.0.1:1/hook"), ("events", "message.phone.received"),
                ("phone_numbers", "+18005550199"),
            ]

            let first = try await page.submit(Self.new, on: Self.new, fields)
            let second = try await page.submit(Self.new, on: Self.new, fields)

            #expect(first.status == 303 && second.status == 303)
            #expect(try await account.client.get("/v1/webhooks").data.array.count == 1)
            #expect(try await page.get(try #require(second.header("Location"))).text.contains("127.0.0.1:1/hook"))
        }
    }

    @Test func whoChangesAWebhookThatIsOffIsToldThatItStaysOff() async throws {
        try await withServer { server in
            let page = try await server.signedInWithPhone().page
            let fields = [
                ("url", "http://127.0.0.1:1/hook"), ("events", "message.phone.received"),
                ("phone_numbers", "+18005550199"),
            ]
            let made = try await page.submit(Self.new, on: Self.new, fields)
            let path = String(try #require(made.header("Location")).prefix { $0 != "?" })
            _ = try await page.submit("\(path)/pause", on: path, [])

            let saved = try await page.submit("\(path)/edit", on: "\(path)/edit", fields)

            let location = try #require(saved.header("Location"))
            #expect(try await page.get(location).text.contains("The webhook is still off"))
        }
    }

    @Test func aPaceOfItsOwnIsSetShownAndTakenBack() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let fields = [
                ("url", "http://127.0.0.1:1/hook"), ("events", "message.phone.received"),
                ("phone_numbers", "+18005550199"),
            ]
            func plan() async throws -> [JSON] {
                let webhook = try await account.client.get("/v1/webhooks").data.array.first ?? .absent
                return [webhook["rate_per_second"], webhook["timeout_seconds"], webhook["retry_delays"]]
            }

            let refused = try await page.submit(
                Self.new, on: Self.new, fields + [("rate_per_second", "many"), ("retry_delays", "soon, 1d")])
            let made = try await page.submit(
                Self.new, on: Self.new,
                fields + [("rate_per_second", "0.5"), ("timeout_seconds", "20"), ("retry_delays", "5s, 90 2h")])
            let path = String(try #require(made.header("Location")).prefix { $0 != "?" })
            let first = try await plan()
            let shown = try await (page.get(path).text, page.get("/settings/webhooks").text)
            let form = try await page.get("\(path)/edit").text
            _ = try await page.submit("\(path)/edit", on: "\(path)/edit", fields + [("no_retries", "yes")])
            let second = try await plan()

            #expect(refused.status == 422 && refused.text.contains("many"))
            #expect(refused.text.contains("Enter a number from 0.") && refused.text.contains("Enter at most 20 waits"))
            #expect(first == [0.5, 20, [5, 90, 7_200]])
            let words = "at most 0.5 requests a second; 20 s for an answer; retries after 5 s, 1 min 30 s, 2 h"
            #expect(shown.0.contains(words) && shown.1.contains(words))
            #expect(form.contains("5s, 90s, 7200s"))
            #expect(second == [nil, nil, []])
        }
    }

    @Test func whatTheAPISaysOfAFieldStandsAtTheFieldAndNothingIsLost() async throws {
        try await withServer(["WEBHOOK_ALLOWED_NETWORKS": ""]) { server in
            let page = try await server.signedInWithPhone().page

            let answer = try await page.submit(
                Self.new, on: Self.new,
                [("url", "http://10.0.0.1/\"><script>"), ("signing_key", "mine"), ("phone_numbers", "+18005550100")])

            #expect(answer.status == 422)
            #expect(answer.text.contains("Choose at least one event."))
            #expect(answer.text.contains("value=\"http://10.0.0.1/&quot;&gt;&lt;script&gt;\""))
            #expect(answer.text.contains("value=\"mine\""))
            #expect(answer.text.contains("value=\"+18005550100\" checked"))
        }
    }

    @Test func anotherAccountsWebhooksAndDeliveriesAreNotThere() async throws {
        try await withServer { server in
            let owner = try await server.signedInWithPhone().account
            let stranger = try await server.signedInWithPhone().page
            let id = try await owner.makeWebhook("http://127.0.0.1:1/hook")["id"].string
            let delivery = try await owner.client.post("/v1/webhooks/\(id)/test", [:]).data["id"].string
            let webhook = "/settings/webhooks/\(id)"

            for path in [
                webhook, "\(webhook)/edit", "/deliveries/\(delivery)", "/deliveries/x", "/settings/webhooks/x",
            ] {
                #expect(try await stranger.get(path).status == 404, "\(path)")
            }
            for path in ["edit", "test", "pause", "resume", "rotate", "retry", "delete"].map({ "\(webhook)/\($0)" })
                + ["/deliveries/\(delivery)/retry"]
            {
                #expect(try await stranger.submit(path, on: "/account", []).status == 404, "\(path)")
            }
            #expect(try await owner.client.get("/v1/webhooks/\(id)").data["status"] == "active")
        }
    }

    @Test func theDeliveriesAreNarrowedInTheZoneOfTheAccount() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            _ = try await page.submit("/account/timezone", on: "/account", [("timezone", "Asia/Tokyo")])
            let id = try await account.makeWebhook("http://127.0.0.1:9/hook")["id"].string
            _ = try await account.client.post("/v1/webhooks/\(id)/pause", [:])
            for index in 1...27 {
                _ = try await phone.receive(["from": "+18005550100", "content": .string("\(index)")])
            }
            _ = try await server.store.write { tx in
                try tx.run("UPDATE delivery SET last_status_code = 502 WHERE sequence <> 27")
            }
            let path = "/settings/webhooks/\(id)"
            func clock(_ time: Timestamp) -> String { String(time.rfc3339.prefix(16)) }
            let tokyo = server.clock.now() + .seconds(9 * 3_600)
            let since = clock(tokyo - .seconds(60))
            func shown(_ query: String) async throws -> String { try await page.get("\(path)?\(query)").text }
            func count(_ text: String) -> Int { text.matches(of: /name="delivery"/).count }

            let first = try await shown("status_code=502&since=\(since)&until=\(clock(tokyo + .seconds(120)))")
            #expect(count(first) == 25)
            #expect(first.contains("value=\"502\"") && first.contains("value=\"\(since):00\""))
            let link = try #require(first.firstMatch(of: /href="([^"]*)">Older deliveries/)).output.1
            let next = try await page.get(String(link).replacing("&amp;", with: "&")).text
            #expect(count(next) == 1)
            #expect(count(try await shown("status_code=404")) == 0)
            let named = try await shown("contact=%2B18005550100")
            #expect(count(named) == 25 && named.contains("name=\"contact\" type=\"text\""))
            let others = try #require(named.firstMatch(of: /href="([^"]*)">Older deliveries/)).output.1
            let older = try await page.get(String(others).replacing("&amp;", with: "&")).text
            #expect(count(older) == 2)
            #expect(older.replacing("&#43;", with: "+").contains("value=\"+18005550100\""))
            #expect(count(try await shown("contact=%2B18005550101")) == 0)
            #expect(count(try await shown("since=\(clock(tokyo + .seconds(120)))")) == 0)
            // Which would be all if it were read in UTC.
            #expect(count(try await shown("until=\(clock(server.clock.now() + .seconds(120)))")) == 0)
            #expect(count(try await shown("status_code=x&since=x&until=%00")) == 25)
        }
    }

    @Test func hostileTextIsShownAsText() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let script = "<script>alert(1)</script>'\"&"
            try await WebhookReceiver.run { _, _ in
                .status(200, headers: ["X-Evil": "<img src=x>"], body: Array(script.utf8))
            } body: { receiver in
                let id = try await account.makeWebhook(receiver.url("/hook?<script>"))["id"].string
                let phone = try await account.makePhone()
                _ = try await phone.receive(["from": "+18005550100", "content": .string(script)])
                let path = try await eventually("the delivery is over") {
                    let list = try await account.client.get("/v1/webhooks/\(id)/deliveries?status=succeeded")
                    return list.data.array.first.map { "/deliveries/\($0["id"].string)" }
                }

                for path in [path, "/settings/webhooks", "/settings/webhooks/\(id)", "/settings/webhooks/\(id)/edit"] {
                    let text = try await page.get(path).text
                    #expect(!text.contains("<script>") && !text.contains("<img"), "\(path)")
                }
                #expect(try await page.get(path).text.contains("&lt;script&gt;alert(1)&lt;/script&gt;&#39;&quot;&amp;"))
            }
        }
    }

    @Test func theLogSaysWhyAWebhookDidNotGetAnEvent() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let stranger = try await server.signedInWithPhone().page
            try await account.makeWebhook("http://127.0.0.1:1/all")
            try await account.makeWebhook("http://127.0.0.1:1/sent", events: ["message.phone.sent"])
            let phone = try await account.makePhone()
            _ = try await phone.receive(["from": "+18005550100", "content": "<i>Hi</i>"])
            try await server.untilNumbered()

            let text = try await page.get("/events").text

            #expect(
                text.contains("http://127.0.0.1:1/sent did not get it: it is not set to receive events of this type"))
            #expect(text.contains(">http://127.0.0.1:1/all</a> was sent this event"))
            #expect(!text.contains("<i>"))
            #expect(try await page.get("/events?type=message.phone.sent").text.contains("Nothing here"))
            #expect(
                try await page.get("/events?owner=%2B18005550199").text.contains("message.phone.received</code></h2>"))
            #expect(try await stranger.get("/events").text.contains("Nothing here"))
        }
    }

    @Test func aCurlCommandIsQuotedWhateverAnSMSHolds() {
        let text = CurlCommand.text(
            url: "http://a/'$(id)", headers: [("Authorization", "Bearer [redacted]")], body: "it's `x`\n'; rm -rf /")

        #expect(
            text == """
                curl -sS -X POST 'http://a/'\\''$(id)' \\
                  -H 'Authorization: Bearer [redacted]' \\
                  --data-binary 'it'\\''s `x`
                '\\''; rm -rf /'
                """)
    }

    /// A real shell reads back what was quoted, also where an accent makes the quotation mark another character.
    @Test(arguments: ["'\u{301}; echo no; '\u{301}", "a'b\u{300}'\u{fe0f}", "'\u{200d}'", "", "\\'\n$(id)`id`"])
    func aShellReadsOneWord(text: String) throws {
        let (process, output) = (Process(), Pipe())
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", "printf %s \(CurlCommand.quoted(text))"]
        process.standardOutput = output
        try process.run()
        let read = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()

        #expect(Array(read) == Array(text.utf8))
    }
}
