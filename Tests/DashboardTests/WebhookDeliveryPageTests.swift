import Foundation
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Dashboard
@testable import Gateway

/// The deliveries of a webhook: which are listed, and which are sent again.
@Suite(.timeLimit(.minutes(15))) struct WebhookDeliveryPageTests {
    @Test func severalDeliveriesAreChosenAndSentAgain() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let stranger = try await server.signedInWithPhone()
            let isMended = Flag()
            try await WebhookReceiver.run { _, _ in
                isMended.isSet ? .status(200) : .status(404, headers: [:], body: Array("no such <b>hook</b>".utf8))
            } body: { receiver in
                let id = try await account.makeWebhook(receiver.url("/hook"))["id"].string
                let path = "/settings/webhooks/\(id)"
                func deliveries(_ status: String, count: Int) async throws -> [String] {
                    try await eventually("\(count) are \(status)") {
                        let list = try await account.client.get("/v1/webhooks/\(id)/deliveries?status=\(status)")
                        return list.data.array.count == count ? list.data.array.map { $0["id"].string } : nil
                    }
                }
                let phone = try await account.makePhone()
                for text in ["one", "two", "three"] {
                    _ = try await phone.receive(["from": "+18005550100", "content": .string(text)])
                }
                let failed = try await deliveries("failed", count: 3)
                let shown = try await page.get("/deliveries/\(failed[0])").text

                isMended.set()
                let none = try await page.submit("\(path)/retry", on: path, [])
                let foreign = try await stranger.page.submit(
                    "\(path)/retry", on: "/account", [("delivery", failed[0])])
                let chosen = try await page.submit(
                    "\(path)/retry", on: path, failed.prefix(2).map { ("delivery", $0) } + [("delivery", "rubbish")])

                #expect(shown.contains("It failed: the answer was 404. The server does not try it again by itself."))
                #expect(
                    shown.contains("no such &lt;b&gt;hook&lt;/b&gt;") && shown.contains("href=\"/messages/message/"))
                #expect(none.header("Location")?.hasSuffix("notice=unchosen") == true)
                #expect(foreign.status == 404)
                #expect(chosen.header("Location") == "\(path)?notice=retried")
                #expect(Set(try await deliveries("succeeded", count: 2)) == Set(failed.prefix(2)))
                #expect(try await deliveries("failed", count: 1) == [failed[2]])
                let taken = try await page.get("/deliveries/\(failed[0])").text
                #expect(taken.contains("The receiver took it at attempt 2 with 200."))
                // It is about a message that nobody can look at.
                let tried = try await page.submit("\(path)/test", on: path, [("event", "message.phone.sent")])
                let test = try await page.get(try #require(tried.header("Location"))).text
                #expect(test.contains("Delivery of message.phone.sent") && !test.contains("href=\"/messages/message/"))
            }
        }
    }

    @Test func deliveriesThatAreTriedAgainAreListedByThemselves() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            try await WebhookReceiver.run { request, _ in
                .status(request.text.contains("two") ? 200 : 500)
            } body: { receiver in
                let id = try await account.makeWebhook(receiver.url("/hook"))["id"].string
                let path = "/settings/webhooks/\(id)"
                func delivery(_ query: String) async throws -> String {
                    try await eventually(query) {
                        let list = try await account.client.get("/v1/webhooks/\(id)/deliveries?\(query)").data.array
                        return list.count == 1 ? list[0]["id"].string : nil
                    }
                }
                _ = try await phone.receive(["from": "+18005550100", "content": "one"])
                let trying = try await delivery("status=pending&tried=true")
                let attention = try await page.get("/attention").text
                _ = try await phone.receive(["from": "+18005550100", "content": "two"])
                let taken = try await delivery("status=succeeded")

                let text = try await page.get("\(path)?status=trying%20again").text
                #expect(text.contains("<option value=\"trying again\" selected>trying again</option>"))
                #expect(text.contains("/deliveries/\(trying)\"") && text.contains(">trying again</span>"))
                #expect(!text.contains("/deliveries/\(taken)\""))
                #expect(attention.contains("\(id)?status=trying%20again\""))
            }
        }
    }

    @Test func allFailedOnesThatFitAFilterAreSentAgain() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let isMended = Flag()
            try await WebhookReceiver.run { _, _ in
                .status(isMended.isSet ? 200 : 404)
            } body: { receiver in
                let id = try await account.makeWebhook(receiver.url("/hook"))["id"].string
                let path = "/settings/webhooks/\(id)"
                func until(_ count: Int, are status: String) async throws {
                    _ = try await eventually("\(count) are \(status)") {
                        let list = try await account.client.get(
                            "/v1/webhooks/\(id)/deliveries?status=\(status)&limit=100")
                        return list.data.array.count == count ? true : nil
                    }
                }
                // More than a page has.
                for index in 1...27 {
                    let contact = index == 1 ? "BANK" : "+18005550100"
                    _ = try await phone.receive(["from": .string(contact), "content": .string("\(index)")])
                }
                try await until(27, are: "failed")
                func isOffered(_ query: String) async throws -> Bool {
                    try await page.get("\(path)?\(query)").text.contains("Send all failed ones that fit again")
                }
                var offers: [Bool] = []
                for query in ["", "status=failed", "status=succeeded", "contact=BANK", "tried=true", "status_code=500"]
                {
                    offers.append(try await isOffered(query))
                }
                #expect(offers == [false, true, false, true, true, false])
                let shown = try await page.get("\(path)?status=failed&status_code=404&contact=BANK").text
                for field in ["name=\"contact\" value=\"BANK\"", "name=\"status_code\" value=\"404\""] {
                    #expect(shown.contains(field), "\(field)")
                }

                isMended.set()
                let wrong = try await page.submit(
                    "\(path)/replay", on: path, [("statuses", "failed"), ("status_code", "40"), ("contact", "BANK")])
                #expect(wrong.status == 422 && wrong.text.contains("a number from 100 to 599"))
                #expect(wrong.text.contains("value=\"BANK\""))
                let begun = try await page.submit(
                    "\(path)/replay", on: path,
                    [
                        ("statuses", "failed"), ("event_type", ""), ("status_code", "404"), ("contact", "BANK"),
                        ("since", ""), ("until", ""),
                    ])
                let replay = try #require(begun.header("Location"))
                #expect(begun.status == 303 && replay.hasPrefix("/replays/"))
                try await until(1, are: "succeeded")
                try await until(26, are: "failed")
                let progress = try await page.get(replay).text
                #expect(progress.contains("<dd>BANK</dd>") && progress.contains("<dd>404</dd>"))

                let rest = try await page.submit(
                    "\(path)/replay", on: path,
                    [("statuses", "failed"), ("event_type", "message.phone.received"), ("since", ""), ("until", "")])
                #expect(rest.header("Location")?.hasPrefix("/replays/") == true)
                try await until(27, are: "succeeded")
            }
        }
    }
}
