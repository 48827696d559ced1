import Foundation
import TestSupport
import Testing

@testable import Delivery

/// What `openapi.json` says of webhook requests and attempts, held against what is sent and stored.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct WebhookHeaderTests {
    @Test func theDescriptionNamesEveryHeaderThatIsSent() async throws {
        let document = try Self.document()
        try await withWebhookServer { _, account, phone, receiver in
            try await account.makeWebhook(receiver.url())
            try await account.receive("1", on: phone)
            let request = try await receiver.requests(1)[0]

            let parameters = document["webhooks"][request.eventType]["post"]["parameters"].array.map { parameter in
                let name = String(parameter["$ref"].string.split(separator: "/").last ?? "")
                return name.isEmpty ? parameter : document["components"]["parameters"][name]
            }
            // What every HTTP client sends, and what stands under `requestBody` and `security`.
            let general: Set = ["host", "content-length", "content-type", "authorization"]
            let sent = Set(request.headers.map { $0.name.lowercased() }).subtracting(general)
            #expect(Set(parameters.map { $0["name"].string.lowercased() }) == sent)
            for parameter in parameters {
                let judged = try await Python.ask(
                    "json_schema", "validate",
                    [
                        "schema": parameter["schema"],
                        "document": .string(request.header(parameter["name"].string) ?? ""),
                    ])
                #expect(judged == .accepted(true), "\(parameter)")
            }
        }
    }

    @Test func theDescriptionNamesEveryCodeOfAnAttempt() throws {
        let described = try Self.document()["components"]["schemas"]["AttemptError"]["enum"].array

        let codes = Etiquette.table.compactMap(\.code) + AttemptFailure.Code.allCases.map(\.rawValue)
        #expect(Set(described) == Set(codes.map(JSON.string)))
    }

    private static func document() throws -> JSON {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../openapi.json")
        return try JSONDecoder().decode(JSON.self, from: Data(contentsOf: file.standardized))
    }
}
