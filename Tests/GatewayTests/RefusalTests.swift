import HTTPTypes
import TestSupport
import Testing

@testable import Gateway

/// How refusals are told over HTTP; which operation refuses what is tested with its routes.
@Suite(.onOneEngine) struct RefusalTests {
    @Test(
        arguments: zip(Refusal.Kind.allCases, [400, 401, 401, 403, 402, 403, 404, 409, 415, 422, 429, 501, 503, 508]))
    func everyKindHasItsStatus(kind: Refusal.Kind, status: Int) {
        #expect(Refusal(kind, "No.").answer.status.code == status)
    }

    @Test(arguments: [
        (Refusal(.conflict, "No."), #"{"message":"No.","status":"error","code":"conflict"}"#),
        (
            .malformed("at b"),
            #"{"data":"at b","message":"The request isn't properly formed","status":"error","code":"malformed_request"}"#
        ),
        (
            Refusal(.invalid, "No.", reason: "not shown", problems: ["to": ["c"], "from": ["a", "b"]]),
            #"{"data":{"from":["a","b"],"to":["c"]},"message":"No.","status":"error","code":"validation_failed"}"#
        ),
    ])
    func theEnvelopeHoldsTheProblemsOrElseTheReason(refusal: Refusal, body: String) {
        #expect(String(decoding: refusal.answer.body, as: UTF8.self) == body)
    }
}
