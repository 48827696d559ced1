import Delivery
import Secrets
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Dashboard
@testable import Gateway
@testable import Server

/// What needs somebody: the same figures on the page, in the menu, on the overview and in the API.
@Suite(.timeLimit(.minutes(15))) struct AttentionTests {
    private static let page = "/attention"

    /// The figure beside the entry of the menu; nil when there is none.
    private static func menu(_ html: String) -> Int? {
        html.firstMatch(of: /Attention <span class="mark">(\d+)</).flatMap { Int($0.1) }
    }

    @Test(arguments: Engine.enabled) func anSMSThatFailedIsListedUntilSomebodyDealtWithIt(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            #expect(try await page.get(Self.page).text.contains("All is well"))
            func fail(_ content: String, _ reason: String) async throws -> String {
                let id = try await account.send(["content": .string(content)])["id"].string
                _ = try await phone.report("FAILED", id, ["reason": .string(reason)])
                return id
            }
            func count() async throws -> Int? {
                let (html, answer) = (try await page.get(Self.page).text, try await account.client.get("/v1/attention"))
                let figure = Self.menu(html)
                #expect(answer.data["count"] == .int(figure ?? 0) && answer.data["message_count"] == .int(figure ?? 0))
                #expect(answer.data["messages"].array.count == figure ?? 0)
                #expect(try await Self.menu(page.get("/").text) == figure)
                return figure
            }

            let first = try await fail("First <b>", "RESULT_ERROR_NO_SERVICE")
            let second = try await fail("Second", "RESULT_ERROR_RADIO_OFF (2)")
            #expect(try await count() == 2)
            let html = try await page.get(Self.page).text
            #expect(html.contains("First &lt;b&gt;") && html.contains("The phone had no mobile network."))
            #expect(html.contains("The phone was in flight mode."))
            #expect(try await page.get("/messages/message/\(first)").text.contains("The phone had no mobile network."))

            let again = try await page.submit(
                "/messages/message/\(first)/resend", on: Self.page, [("from", "attention")])
            #expect(again.header("Location") == "/attention?notice=sent")
            #expect(try await page.get("/attention?notice=sent").text.contains("The SMS is on its way again."))
            #expect(try await count() == 1)
            _ = try await page.submit("/attention/messages/\(second)/done", on: Self.page, [])
            #expect(try await count() == nil)

            _ = try await fail("Third", "RESULT_ERROR_GENERIC_FAILURE")
            let late = try await account.send(["content": "Fourth"])["id"].string
            _ = try await page.submit("/attention/messages/done", on: Self.page, [])
            #expect(try await count() == nil)
            // Its phone reports only now what failed before.
            server.clock.advance(by: .seconds(60))
            _ = try await phone.report(
                "FAILED", late, ["timestamp": .string((server.clock.now() - .seconds(90)).rfc3339), "reason": "X"])
            #expect(try await count() == 1)
            server.clock.advance(by: Attention.age)
            #expect(try await count() == nil)
        }
    }

    @Test(arguments: Engine.enabled) func deliveriesThatFailForOneReasonAreOneIssueAndSentAgainAtOnce(
        engine: Engine
    ) async throws {
        let (works, breaks) = (Flag(), Flag())
        try await WebhookReceiver.run { _, _ in
            .status(works.isSet && !breaks.isSet ? 200 : 404)
        } body: { receiver in
            try await withServer(on: engine) { server in
                let (page, account, phone) = try await server.signedInWithPhone()
                let id = try await account.makeWebhook(receiver.url("/hook"))["id"].string
                for number in 1...3 {
                    _ = try await phone.receive(["from": "+18005550100", "content": .string("SMS \(number)")])
                }
                func webhooks() async throws -> [JSON] {
                    try await account.client.get("/v1/attention").data["webhooks"].array
                }

                try await until("all three failed") { try await webhooks().first?["issues"][0]["failed_count"] == 3 }
                let issue = try await webhooks()[0]["issues"][0]
                #expect(issue["error"] == "client_error" && issue["status_code"] == 404)
                let html = try await page.get(Self.page).text
                #expect(html.contains("404 from /hook: the receiver refuses the request"))
                #expect(html.contains("3 events given up") && Self.menu(html) == 1)
                #expect(html.contains("\(id)?status=failed") && !html.contains("status=pending"))
                // Every page says the same of it.
                for path in [Self.page, "/", "/settings/webhooks", "/settings/webhooks/\(id)"] {
                    #expect(try await page.get(path).text.contains("status failing\">failing"), "\(path)")
                }

                // Saving it as it is changes nothing.
                let same: JSON = ["url": .string(receiver.url("/hook"))]
                _ = try await account.client.put("/v1/webhooks/\(id)", same)
                #expect(try await page.get("/settings/webhooks").text.contains("status failing\">failing"))

                works.set()
                let replay = try await page.submit("/attention/webhooks/\(id)/replay", on: Self.page, [])
                #expect(replay.header("Location")?.hasPrefix("/replays/") == true)
                try await until("nothing is left") { try await webhooks().isEmpty }
                #expect(try await page.get(Self.page).text.contains("All is well"))

                breaks.set()
                _ = try await phone.receive(["from": "+18005550100", "content": "Again"])
                try await until("it fails again") { try await webhooks().count == 1 }
                _ = try await page.submit("/attention/webhooks/\(id)/done", on: Self.page, [])
                #expect(try await webhooks().isEmpty)
                _ = try await page.submit("/settings/webhooks/\(id)/pause", on: Self.page, [])
                #expect(try await webhooks().isEmpty)

                // What was dealt with is not sent again with what came later.
                server.clock.advance(by: .seconds(10))
                let settled = server.clock.now()
                _ = try await page.submit("/settings/webhooks/\(id)/resume", on: Self.page, [])
                _ = try await phone.receive(["from": "+18005550100", "content": "Once more"])
                try await until("it fails once more") { try await webhooks().count == 1 }
                let rest = try await page.submit("/attention/webhooks/\(id)/replay", on: Self.page, [])
                let path = try #require(rest.header("Location")?.prefix { $0 != "?" })
                let since = try await account.client.get("/v1\(path)").data["since"].string
                #expect(try #require(Timestamp(rfc3339: since)) >= settled)
            }
        }
    }

    @Test(arguments: Engine.enabled) func aPhoneThatIsOfflineOrCannotBeToldIsListed(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            _ = try await phone.beat()
            _ = try await account.client.put("/v1/phones", ["phone_number": "+18005550177"])
            #expect(try await account.client.get("/v1/attention").data["phones"].array.count == 1)

            server.advance(by: .seconds(2 * 3_600))
            let phones = try await eventually("the phone is offline") {
                let phones = try await account.client.get("/v1/attention").data["phones"].array
                return phones.count == 2 ? phones : nil
            }

            let silent = try #require(phones.first { $0["phone_number"] == "+18005550199" })
            #expect(silent["silent_since"] != .null && silent["unreached_reason"] == .null)
            let html = try await page.get(Self.page).text
            #expect(html.contains("It is silent since") && html.contains("no app has logged in"))
            #expect(Self.menu(html) == 2)
        }
    }

    @Test func nobodyDealsWithWhatIsAnothers() async throws {
        try await withServer { server in
            let (_, account, phone) = try await server.signedInWithPhone()
            let stranger = try await server.signedInWithPhone().page
            let id = try await account.makeWebhook("http://127.0.0.1:1/hook")["id"].string
            let message = try await account.send()["id"].string
            _ = try await phone.report("FAILED", message, ["reason": "X"])

            #expect(try await stranger.get(Self.page).text.contains("All is well"))
            for path in ["messages/\(message)", "webhooks/\(id)"] {
                #expect(
                    try await stranger.submit("/attention/\(path)/done", on: Self.page, []).status == 404, "\(path)")
            }
            #expect(try await stranger.submit("/attention/webhooks/\(id)/replay", on: Self.page, []).status == 404)
            #expect(try await account.client.get("/v1/attention").data["message_count"] == 1)
        }
    }

    @Test(arguments: [
        (MessageStatus.failed, "RESULT_ERROR_NO_SERVICE" as String?, "The phone had no mobile network."),
        (.failed, "no_service: error 4", "The phone had no mobile network."),
        (.failed, "RESULT_RIL_MODEM_ERR", "RESULT_RIL_MODEM_ERR."), (.failed, "UNKNOWN ERROR", "did not say why"),
        (.failed, "The SMSGate app cannot send attachments.", "The SMSGate app cannot send attachments."),
        (.failed, nil, "did not say in time"), (.expired, "RESULT_ERROR_NO_SERVICE", "did not say in time"),
        (.failed, String(repeating: "A", count: 10_000), "AAA"), (.failed, "\u{0}(", "("),
    ])
    func everyReasonIsASentence(status: MessageStatus, reason: String?, part: String) {
        let text = UnsentReason.text(status, reason)

        #expect(text.contains(part) && text.hasSuffix("."))
    }

    @Test func theDocumentationHoldsEveryReason() throws {
        let page = try #require(Document.pages.first { $0.name == "errors.md" })

        #expect(page.text.contains(UnsentReason.markdown), "docs/errors.md must hold:\n\(UnsentReason.markdown)")
    }

    @Test func theFiguresAreReadByTheirIndexes() async throws {
        let plans = try await withStore(.sqlite, migrations: GatewayStore.migrations) { store in
            try await queryPlans(of: store) { tx in
                let queries = AttentionQueries(
                    endpoints: EndpointQueries(keyring: try Keyring(masterKey: [UInt8](repeating: 7, count: 32))),
                    pushes: [])
                _ = try queries.attention(of: UserID("user"), in: tx)
                _ = try MessageThreadQueries.unreadCount(of: UserID("user"), in: tx)
                _ = try AttentionQueries.prune(in: tx)
                _ = try OverviewQueries.overview(of: UserID("user"), in: tx)
            }
        }

        for index in [
            "message_unsent (user_id=? AND order_timestamp>?)", "message_thread_unread (user_id=? AND is_archived=?)",
            "COVERING INDEX message_recent (user_id=? AND created_at>?)",
            "INDEX message_not_sent (user_id=? AND created_at>?)", "attention_done_age (done_at<?)",
            "endpoint_user (user_id=?)",
        ] {
            #expect(plans.contains { $0.contains(index) }, "\(index) \(plans)")
        }
        #expect(!plans.contains { $0.hasPrefix("SCAN message") || $0.hasPrefix("SCAN delivery") }, "\(plans)")
    }
}
