import Foundation
import HTTPSMSWebhooks
import Hummingbird
import NIOCore
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// What a device's report means, and the times in it.
@Suite(.onOneEngine) struct DeviceReportTests {
    private static func time(_ second: Int) -> PhoneTime {
        PhoneTime(Timestamp(seconds: Int64(1_800_000_000 + second)))
    }

    private static func report(
        _ state: DeviceReport.State?, _ times: [DeviceReport.State: Int] = [:], error: String? = nil
    ) -> DeviceReport {
        DeviceReport(id: "x", state: state, times: times.mapValues(time), error: error)
    }

    @Test(
        arguments: [
            (report(.pending), .sending, []), (report(.processed), .sending, []), (report(nil), .sending, []),
            (report(.cancelling), .sending, []),
            (report(.sent, [.sent: 1]), .sending, [.sent]),
            (report(.processed, [.sent: 1, .processed: 2]), .sending, [.sent]),
            (report(.delivered, [.sent: 1, .delivered: 2]), .sending, [.sent, .delivered]),
            (report(.delivered, [.delivered: 2]), .sending, [.delivered]),
            (report(.delivered, [.sent: 1], error: "TP-status 48"), .sending, [.sent, .delivered]),
            (report(.failed, [.sent: 1, .failed: 2], error: "x"), .sending, [.sent, .failed(reason: "x")]),
            (report(.failed, [.sent: 3, .failed: 2], error: "x"), .sending, [.failed(reason: "x")]),
            (report(.failed), .sending, [.failed(reason: "UNKNOWN ERROR")]),
            (
                report(.failed, error: "Send result: RESULT_ERROR_NO_SERVICE (4)"), .sending,
                [.failed(reason: "RESULT_ERROR_NO_SERVICE (4)")]
            ),
            (report(.failed, error: "TTL expired"), .sending, [.failed(reason: "The phone did not send it in time")]),
            (report(.failed, error: "TTL expired"), .expired, []), (report(.failed, error: "TTL expired"), .sent, []),
            (report(.failed, error: "TTL expired"), .delivered, []),
            (report(.cancelled), .sending, [.failed(reason: "cancelled on the phone")]),
        ] as [(DeviceReport, MessageStatus, [MessageReport])])
    func theStateDecides(report: DeviceReport, status: MessageStatus, reports: [MessageReport]) {
        #expect(report.steps(from: status).map(\.report) == reports)
    }

    @Test(
        arguments: [
            ("2025-11-25T05:00:00.000+-5:00", "2025-11-25T10:00:00Z"),
            ("2025-11-25T05:00:00.000+-3:-30", "2025-11-25T08:30:00Z"),
            ("2025-11-25T05:00:00.000+5:30", "2025-11-24T23:30:00Z"),
            ("2025-11-25T05:00:00.000+0000", "2025-11-25T05:00:00Z"),
            ("2025-11-25T05:00:00+0530", "2025-11-24T23:30:00Z"),
            ("2025-11-25T05:00:00.5-0330", "2025-11-25T08:30:00.5Z"),
            ("0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z"),
            ("2025-11-25T05:00:00.000+5", "2025-11-25T00:00:00Z"), ("2025-11-25T05:00:00.000Z", "2025-11-25T05:00:00Z"),
            ("2025-11-25T05:00:00.000+", nil), ("2025-11-25T05:00:00.000+--5:00", nil),
            ("2025-11-25T05:00:00.000+99:00", nil), ("+-5:00", nil), ("", nil),
            (String(repeating: "+", count: 100_000), nil), ("2025-11-25T05:00:00.000+005:00", nil),
            ("2025-11-25T05:00:00.000\u{301}+05:00", nil),
        ] as [(String, String?)])
    func offsetsOfOldAndroidsAreRead(text: String, time: String?) {
        #expect(PhoneTimeReader.time(text, zone: nil)?.rfc3339 == time)
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_123_456, "1970-01-01T00:00:01.123Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (1_000_000, "1970-01-01T00:00:01.000Z"), (9_000, "1970-01-01T00:00:00.009Z"),
            (.max, "9999-12-31T23:59:59.999Z"), (.min, "0001-01-01T00:00:00.000Z"),
        ] as [(Int64, String)])
    func timesForTheAppHaveThreeDigits(microseconds: Int64, text: String) {
        #expect(Timestamp(microseconds: microseconds).milliseconds == text)
    }

    @Test func aReportIsReadWhateverItsTypesAre() throws {
        let json = #"""
            {"id":5,"state":"DELIVERED","recipients":[7,{"error":null},{"error":"x"}],
             "states":{"Sent":"2026-11-25T11:00:34.010+01:00","Delivered":17,"Odd":[]}}
            """#
        let report: DeviceReport = try Request.decoded(ByteBuffer(string: json))

        #expect(report.id == "5" && report.state == .delivered && report.error == "x")
        #expect(report.times[.sent]?.time?.rfc3339 == "2026-11-25T10:00:34.01Z")
        #expect(report.times[.delivered]?.text == "17")
    }
}
