import Foundation
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// A phone's clock may show anything; the server's time stands in for what cannot be.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct PhoneClockTests {
    private static let unbelievable = [
        "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "1733-01-01T00:00:00Z", "1735-01-01T00:00:00Z",
        "1970-01-01T00:00:00.000000001Z", "1999-12-31T23:59:59.999999999Z", "2262-04-12T00:00:00Z",
        "2320-01-01T00:00:00Z", "9999-12-31T23:59:60-14:00",
    ]

    @Test(arguments: [
        ("1999-12-31T23:59:59.999999Z", false), ("2000-01-01T00:00:00Z", true), ("2026-07-22T10:15:29Z", true),
        ("2026-07-23T10:15:29Z", true), ("2026-07-23T10:15:29.000001Z", false), ("9999-12-31T23:59:59Z", false),
    ])
    func whatIsBelieved(text: String, isBelieved: Bool) throws {
        let now = try #require(Timestamp(rfc3339: "2026-07-22T10:15:29Z"))

        let time = try #require(PhoneTime(JSONDecoder().decode(ToldText.self, from: Data("\"\(text)\"".utf8))))

        #expect(time.believed(at: now) == (isBelieved ? Timestamp(rfc3339: text) : nil))
        #expect(time.disbelieved(at: now) == (isBelieved ? nil : text))
    }

    @Test(arguments: unbelievable)
    func anUnbelievableReportIsTakenAtTheServersTime(told: String) async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            for report in ["SENT", "DELIVERED", "FAILED"] {
                let id = try await account.send()["id"].string

                let answer = try await phone.report(report, id, ["timestamp": .string(told)])

                #expect(answer.status == 200)
                let name = "\(report.lowercased())_at"
                #expect(answer.data[name] == answer.data["updated_at"])
                #expect(answer.data["order_timestamp"] == answer.data["updated_at"])
                #expect(try await account.message(id) == answer.data)
                let shown = try await page.get("/messages/message/\(id)").text
                #expect(
                    shown.contains("the phone&#39;s clock said \(told.replacing("+", with: "&#43;"))")
                        || shown.contains("the phone&#39;s clock said \(told)"))
            }
            let list = try await account.client.get("/v1/messages?owner=%2B18005550199&contact=%2B18005550100")
            #expect(list.status == 200 && list.data.array.count == 3)
        }
    }

    @Test func inboundOnesAreToldApartByWhatTheClockSaid() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            func receive(_ told: String) async throws -> JSON {
                try await phone.receive(["from": "+18005550100", "content": "Hello", "timestamp": .string(told)]).data
            }

            let ids = try await Self.unbelievable.asyncMap { try await receive($0)["id"].string }
            let again = try await Self.unbelievable.asyncMap { try await receive($0)["id"].string }

            #expect(Set(ids).count == Self.unbelievable.count)
            #expect(again == ids)
            let message = try await account.message(ids[0])
            #expect(message["request_received_at"] == message["created_at"])
            #expect(message["order_timestamp"] == message["created_at"])
            #expect(message["received_at"] == message["created_at"])
            #expect(try await page.get("/messages/message/\(ids[0])").text.contains("which cannot be"))
            let call = try await phone.client.post(
                "/v1/messages/calls/missed",
                ["from": "+18005550100", "to": .string(phone.number), "timestamp": .string(Self.unbelievable[0])])
            #expect(call.status == 200)
            #expect(call.data["request_received_at"] == call.data["created_at"])
        }
    }

    @Test func aTimeOfAnyLengthIsKeptInPart() throws {
        let text = "0001-01-01T00:00:00." + String(repeating: "0", count: 100_000) + "Z"

        let time = try #require(PhoneTime(JSONDecoder().decode(ToldText.self, from: Data("\"\(text)\"".utf8))))

        #expect(time.disbelieved(at: .first)?.count == 64)
    }
}

extension Sequence {
    fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}
