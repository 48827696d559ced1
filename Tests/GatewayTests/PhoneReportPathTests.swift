import HTTPTypes
import TestSupport
import Testing

@testable import Gateway

/// Which requests are never answered with a 4xx for our own trouble.
@Suite(.onOneEngine) struct PhoneReportPathTests {
    @Test(arguments: [
        ("POST", "/v1/messages/receive", true), ("POST", "/v1/messages/receive/?a=b", true),
        ("POST", "/V1/Messages/Calls/Missed", true), ("POST", "/v1/messages/x/events", true),
        ("POST", "/v1/inbound/in_x", true), ("PATCH", "/v1/inbound/in_x?to=1", true), ("GET", "/v1/inbound/in_x", true),
        ("POST", "/api/mobile/v1/inbound/wh_x", true), ("PATCH", "/api/mobile/v1/messages", true),
        ("PATCH", "/mobile/v1/message/", true),
        ("POST", "/v1/messages/send", false), ("GET", "/v1/messages/receive", false), ("POST", "/v1/inbound", false),
        ("POST", "/mobile/v11", false), ("POST", "/", false), ("POST", "", false),
    ])
    func reportsAreKnownByTheirHead(method: String, path: String, isReport: Bool) throws {
        let method = try #require(HTTPRequest.Method(method))
        #expect(
            PhoneReportPaths.isReport(HTTPRequest(method: method, scheme: nil, authority: nil, path: path)) == isReport)
    }
}
