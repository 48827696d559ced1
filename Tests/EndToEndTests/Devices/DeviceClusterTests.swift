import Foundation
import NIOHTTP1
import PhoneSimulator
import TestSupport
import Testing

extension PhoneAppTests {
    /// A phone with the SMSGate app whose requests go to any of several nodes.
    @Suite struct DeviceCluster {
        /// The proxy takes turns, so the stream is on one node while pulls and reports go to both, and each message is accepted by
        /// the other node than the one before.
        @Test(.timeLimit(.minutes(15)))
        func eachMessageIsSentOnceThoughNodesTakeTurnsAndOneIsKilled() async throws {
            try await SMSGateTransport.with { transport in
                try await Nodes.with(2) { nodes in
                    let client = nodes.client
                    let number: JSONValue = .text(Client.owner)
                    try await client.call(.PUT, "/v1/phones", ["phone_number": number, "messages_per_minute": 0])
                    let pairing = try await client.call(
                        .POST, "/v1/devices/pairings", ["numbers": [["sim": "SIM1", "phone_number": number]]])
                    let code = try #require(pairing["code"].text)
                    let proxy = try #require(client.proxy)
                    let phone = AppPhone(
                        SMSGatePhone(url: proxy + "/api/mobile/v1"), over: transport, behaviour: DeviceBench.quick)
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { await phone.shell.run() }
                        phone.shell.happen(.enterCode(code))
                        try await phone.waitUntilReady()

                        var ids = try await send(20, "before", client)
                        try await waitUntilDelivered(ids, client, phone)
                        for node in nodes.all {
                            try await node.stop(.sigkill)
                            ids += try await send(10, "meanwhile", client)
                            try await node.serve()
                            ids += try await send(10, "after", client)
                            try await waitUntilDelivered(ids, client, phone)
                        }

                        #expect(phone.radio.map(\.id).sorted() == ids.sorted())
                        group.cancelAll()
                    }
                }
            }
        }

        /// Sends so many messages, each again until a node takes it, under a key that keeps a repetition from being another.
        private func send(_ count: Int, _ content: String, _ client: Client) async throws -> [String] {
            var ids: [String] = []
            for number in 0..<count {
                let draft: JSONValue = [
                    "from": .text(Client.owner), "to": .text(DeviceBench.contact),
                    "content": .text("\(content) \(number)"),
                ]
                let key = UUID().uuidString
                let id = try await eventually("a node takes the message") {
                    let answer = try? await Client.send(
                        .POST, (client.proxy ?? "") + "/v1/messages/send", draft, headers: [("Idempotency-Key", key)])
                    return answer?.status == 200 ? answer?.data["id"].text : nil
                }
                ids.append(id)
            }
            return ids
        }

        private func waitUntilDelivered(_ ids: [String], _ client: Client, _ phone: AppPhone) async throws {
            for id in ids {
                try await until("message \(id) is delivered; the phone said \(phone.notes.suffix(20))") {
                    // The app waits five seconds for its stream, and ten for a report.
                    phone.clock.advance(by: .seconds(1))
                    return try await client.send(.GET, "/v1/messages/\(id)").data["status"] == "delivered"
                }
            }
        }
    }
}
