import Foundation
import NIOHTTP1
import Storage
import TestSupport
import Testing

extension EndToEndTests {
    /// kill -9 of the server while clients send: a request that is repeated under its key is done once.
    @Suite struct SendingCrash {
        @Test(.timeLimit(.minutes(15)))
        func aRequestThatIsRepeatedAfterAKillIsDoneOnce() async throws {
            let kills = isSoak ? 20 : 4
            let perClient = isSoak ? 1_000 : 100
            let clients = 4
            try await withInstallation { installation in
                let client = Client(installation: installation)
                try await client.setUp()
                let progress = Progress()

                let answers = try await withThrowingTaskGroup(of: [String: String].self) { group in
                    for number in 0..<clients {
                        group.addTask { try await send(perClient, client, number, progress) }
                    }
                    group.addTask {
                        for kill in 1...kills {
                            let due = clients * perClient * kill / (kills + 1)
                            try await until("\(due) requests") { progress.count >= due }
                            try await installation.stop(.sigkill)
                            try await installation.serve()
                        }
                        return [:]
                    }
                    return try await group.reduce(into: [:]) { $0.merge($1) { $1 } }
                }

                #expect(answers.count == clients * perClient)
                var stored: [String: String] = [:]
                while true {
                    let path = "/v1/messages/search?limit=200&skip=\(stored.count)"
                    let page = try await client.call(.GET, path).elements
                    for message in page { stored[message["content"].text ?? ""] = message["id"].text }
                    if page.count < 200 { break }
                }
                // As many rows as texts, and each under the id that its client was told.
                #expect(stored == answers)
                try await installation.stop()
                let rows = try await installation.rows("SELECT COUNT(*) AS total FROM message")
                #expect(try rows[0].get("total", as: Int.self) == clients * perClient)
            }
        }

        /// Sends messages one after the other, each again and again under one key until it is answered; gives the ids by
        /// content. Every third request is repeated although it was answered.
        private func send(
            _ count: Int, _ client: Client, _ number: Int, _ progress: Progress
        ) async throws -> [String: String] {
            var ids: [String: String] = [:]
            for index in 0..<count {
                let content = "message \(index) of client \(number)"
                let body: JSONValue = ["from": .text(Client.owner), "to": "+18005550100", "content": .text(content)]
                for _ in 0..<(index % 3 == 0 ? 2 : 1) {
                    let id = try await eventually("\(content) is answered") {
                        // The server is away: the client does not know whether its message was taken.
                        let answer = try? await Client.send(
                            .POST, client.installation.baseURL + "/v1/messages/send", body,
                            headers: [("Idempotency-Key", "\(number)-\(index)")])
                        guard let answer, answer.status != 503 else { return nil as String? }
                        guard answer.status == 200 else { throw TestFailure("\(answer.status): \(answer.body)") }
                        return answer.data["id"].text
                    }
                    #expect(ids[content] == nil || ids[content] == id)
                    ids[content] = id
                }
                progress.advance()
            }
            return ids
        }
    }
}
