import Foundation
import Storage
import TestSupport
import Testing

/// The receiver on the server itself.
@Suite(.timeLimit(.minutes(15))) struct PlaygroundTests {
    /// Loopback, where the tests' servers are, is open to nothing else.
    private static let closed = ["WEBHOOK_ALLOWED_NETWORKS": ""]

    @Test func anEventArrivesThereAndIsJudged() async throws {
        try await withServer(Self.closed) { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let path = "/v1/playground"
            #expect(try await account.client.get(path).status == 404)
            let opened = try await account.client.send("POST", path)
            let url = opened.data["url"].string
            #expect(opened.status == 200 && url.hasPrefix(server.baseURL + "/playground/"), "\(opened)")
            #expect(try await account.client.send("POST", path).data["url"].string == url)
            _ = try await account.makeWebhook(url, ["headers": [["name": "X-Own", "value": "own secret"]]])

            try await account.receive("hello", on: phone)
            let requests = try await Self.requests(account, count: 1)

            let request = try #require(requests.first)
            #expect(request["signature"] == "valid" && request["signature_problem"] == nil, "\(request)")
            #expect(request["event_type"] == "message.phone.received" && request["event_problem"] == nil)
            #expect(request["body"].string.contains("hello") && request["number"] == 1)
            let headers = request["headers"].array
            #expect(
                headers.contains {
                    $0["name"].string.lowercased() == "x-event-type" && $0["value"].string == "message.phone.received"
                })
            for name in ["authorization", "x-own"] {
                #expect(
                    headers.first { $0["name"].string.lowercased() == name }?["value"] == "[redacted]", "\(headers)")
            }
            #expect(try await account.client.get(path + "?after=1").data["requests"] == [])
            let rows = try await server.store.read { tx in try tx.rows("SELECT headers FROM playground_request") }
            #expect(try !rows.contains { try $0.get("headers", as: String.self).contains("own secret") })

            #expect(try await account.client.delete(path).status == 204)
            #expect(try await account.client.delete(path).status == 404)
            let gone = try await APIClient(baseURL: server.baseURL, apiKey: nil).post(
                URL(string: url)?.path ?? "", ["a": 1])
            #expect(gone.status == 404)
        }
    }

    @Test func whatIsForgedOrNoEventIsKeptAndSaysSo() async throws {
        try await withServer(Self.closed) { server in
            let account = try await server.makeAccount()
            let url = try await account.client.send("POST", "/v1/playground").data["url"].string
            let target = try #require(URL(string: url)?.path)
            let stranger = APIClient(baseURL: server.baseURL, apiKey: nil)

            let plain = try await stranger.post(target, ["a": 1])
            let forged = try await stranger.send(
                "PUT", target, headers: [("Authorization", "Bearer e30.e30.e30"), ("webhook-signature", "v1,AAAA")],
                body: Array("\u{0}rubbish".utf8))
            #expect(plain.status == 204 && forged.status == 204, "\(plain) \(forged)")
            // A token that is not whole, and one that nobody has.
            for other in [String(target.dropLast()), "/playground/" + String(repeating: "0", count: 64)] {
                #expect(try await stranger.post(other, ["a": 1]).status == 404)
            }
            #expect(try await stranger.get(target).status == 405)

            let requests = try await Self.requests(account, count: 2)
            #expect(requests.map { $0["number"] } == [2, 1])
            #expect(requests[1]["signature"] == "missing" && requests[1]["event_problem"] != nil, "\(requests)")
            #expect(requests[0]["signature"] == "invalid" && requests[0]["method"] == "PUT", "\(requests)")
            #expect(requests[0]["signature_problem"].string.contains("no webhook with a signing key"), "\(requests)")
        }
    }

    @Test func theLastHundredAreKeptAndLongBodiesAreCut() async throws {
        try await withServer(Self.closed) { server in
            let account = try await server.makeAccount()
            let url = try await account.client.send("POST", "/v1/playground").data["url"].string
            let target = try #require(URL(string: url)?.path)
            let stranger = APIClient(baseURL: server.baseURL, apiKey: nil)
            for number in 1...103 { _ = try await stranger.post(target, ["n": .int(number)]) }
            let long = try await untilServed {
                try await stranger.post(target, ["text": .string(String(repeating: "x", count: 200_000))])
            }
            #expect(long.status == 204)

            let requests = try await Self.requests(account, count: 100)
            #expect(requests.map { $0["number"] } == (5...104).reversed().map { .int($0) })
            #expect(requests[0]["size"] == 200_011 && requests[0]["body"].string.utf8.count == 65_536)
            #expect(
                try await stranger.post(target, ["text": .string(String(repeating: "x", count: 2 << 20))]).status == 413
            )
        }
    }

    @Test func itIsTheOnlyPlaceOfTheServerThatAWebhookMayReach() async throws {
        try await withServer(Self.closed) { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let url = try await account.client.send("POST", "/v1/playground").data["url"].string
            for other in [
                server.baseURL + "/v1/messages/send", url + "/../../v1/messages/send", url + "?a=1", url + "/",
                String(url.dropLast()), url.replacing("/playground/", with: "/playground/../v1/playground/"),
            ] {
                let answer = try await account.client.post("/v1/webhooks", account.webhookSettings(other, [:]))
                #expect(answer.status == 422 && !answer.data["url"].array.isEmpty, "\(other): \(answer)")
            }
        }
    }

    private static func requests(_ account: Account, count: Int) async throws -> [JSON] {
        try await eventually("\(count) requests to arrive") {
            let requests = try await account.client.get("/v1/playground").data["requests"].array
            return requests.count >= count ? requests : nil
        }
    }
}
