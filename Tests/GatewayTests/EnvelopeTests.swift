import Foundation
import TestSupport
import Testing

/// What every answer has in common (contract 1.1 to 1.4).
@Suite(.timeLimit(.minutes(1))) struct EnvelopeTests {
    @Test func aSuccessHasDataMessageAndStatusInThisOrder() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()

            let answer = try await account.client.get("/v1/phones")

            #expect(answer.status == 200)
            #expect(answer.text == #"{"data":[],"message":"fetched 0 phones","status":"success"}"#)
            #expect(answer.header("Content-Type") == "application/json; charset=utf-8")
        }
    }
}
