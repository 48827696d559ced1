import Foundation
import HTTPTypes
import TestSupport
import Testing

@testable import Gateway

/// Codes of errors: one table in the code, in openapi.json and on a page.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct ErrorCodeTests {
    @Test func thePageHasTheTable() throws {
        let page = try #require(Document.pages.first { $0.name == "errors.md" })

        #expect(page.text.contains(ErrorCode.markdown), "docs/errors.md must hold:\n\(ErrorCode.markdown)")
    }

    @Test func theDescriptionListsTheCodesInOrder() throws {
        let text = try #require(Document.all.first { $0.name == "openapi.json" }).text
        let schemas = try JSONDecoder().decode(JSON.self, from: Data(text.utf8))["components"]["schemas"]

        #expect(schemas["ErrorCode"]["enum"].array.map(\.string) == ErrorCode.allCases.map(\.rawValue))
        for name in ["APIError", "ErrorWithDetail", "ValidationError", "NotReady"] {
            #expect(schemas[name]["required"].array.contains("code"), "\(name)")
            #expect(schemas[name]["properties"]["code"]["$ref"] == "#/components/schemas/ErrorCode", "\(name)")
        }
    }

    @Test(arguments: [
        (400, "malformed_request"), (401, "unauthorized"), (403, "forbidden"), (404, "unknown_path"),
        (408, "malformed_request"), (413, "payload_too_large"), (500, "internal_error"), (502, "internal_error"),
        (503, "server_busy"), (999, "internal_error"),
    ])
    func whatIsBelowTheAPIHasACodeToo(status: Int, code: String) {
        #expect(ErrorCode(HTTPResponse.Status(code: status)).rawValue == code)
    }

    @Test func membersOfTheContractStayWhereTheyWere() async throws {
        try await withServer { server in
            let answers = [
                try await server.client.get("/v1/phones"), try await server.client.get("/v1/nothing"),
                try await server.makeAccount().client.post("/v1/heartbeats", [:]),
            ]

            #expect(
                answers.map(\.text) == [
                    #"{"data":"Make sure your API key is set in the [x-api-key] header in the request","#
                        + #""message":"You are not authorized to carry out this request.","status":"error","code":"unauthorized"}"#,
                    #"{"message":"There is nothing at GET /v1/nothing","status":"error","code":"unknown_path"}"#,
                    #"{"data":{"phone_numbers":["The phone_numbers field is required"]},"message":"#
                        + #""validation errors while storing heartbeat","status":"error","code":"validation_failed"}"#,
                ])
        }
    }
}
