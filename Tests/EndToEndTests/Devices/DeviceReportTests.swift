import Foundation
import PhoneSimulator
import NIOHTTP1
import TestSupport
import Testing
import Timestamps

extension PhoneAppTests {
    /// Reports skip, repeat and go back; each message has its events once.
    @Suite struct DeviceReports {
        private static let pending = ("Pending", "2026-11-25T11:00:31.200+01:00")
        private static let processed = ("Processed", "2026-11-25T11:00:31.480+01:00")
        private static let sent = ("Sent", "2026-11-25T11:00:34.010+01:00")
        private static let delivered = ("Delivered", "2026-11-25T11:00:39.772+01:00")
        private static let failed = ("Failed", "2026-11-25T11:00:36.000+01:00")

        struct Case: Sendable, CustomTestStringConvertible {
            let name: String
            /// Each a state and the states so far.
            let reports: [(String, [(String, String)])]
            let events: [String]
            let status: String
            var testDescription: String { name }
        }

        static let cases = [
            Case(
                name: "delivered only", reports: [("Delivered", [pending, processed, sent, delivered])],
                events: ["message.phone.sent", "message.phone.delivered"], status: "delivered"),
            Case(
                name: "repeats",
                reports: Array(repeating: ("Delivered", [pending, processed, sent, delivered]), count: 3),
                events: ["message.phone.sent", "message.phone.delivered"], status: "delivered"),
            Case(
                name: "processed after sent", reports: [("Processed", [pending, sent, processed])],
                events: ["message.phone.sent"], status: "sent"),
            Case(
                name: "sent after delivered",
                reports: [
                    ("Delivered", [pending, processed, delivered]), ("Sent", [pending, processed, delivered, sent]),
                ],
                events: ["message.phone.delivered"], status: "delivered"),
            Case(
                name: "failed, then sent",
                reports: [("Failed", [pending, processed, failed]), ("Failed", [pending, processed, failed, sent])],
                events: ["message.send.failed"], status: "failed"),
            Case(
                name: "an old phone's offset",
                reports: [
                    (
                        "Sent",
                        [("Sent", "2026-11-25T05:00:00.000+-5:00"), ("Processed", "2026-11-25T10:00:00.000+0000")]
                    )
                ],
                events: ["message.phone.sent"], status: "sent"),
            Case(
                name: "no time that can be read", reports: [("Sent", [("Sent", "yesterday")])],
                events: ["message.phone.sent"], status: "sent"),
        ]

        @Test(.timeLimit(.minutes(15)))
        func eachOrderEndsWhereItShould() async throws {
            try await DeviceBench.run { bench in
                let token = try await bench.registered().token
                for testCase in Self.cases {
                    let id = try await bench.send(testCase.name)
                    try await until("it is offered") {
                        try await bench.mobile("GET", "/message", token).body.elements.contains {
                            $0["id"] == .text(id)
                        }
                    }
                    for (state, states) in testCase.reports {
                        let times = Dictionary(states.map { ($0.0, JSONValue.text($0.1)) }) { first, _ in first }
                        let error: JSONValue =
                            state == "Failed" ? "Send result: RESULT_ERROR_NO_SERVICE (no service)" : .null
                        let report: JSONValue = [
                            [
                                "id": .text(id), "state": .text(state), "states": .object(times),
                                "recipients": [
                                    ["phoneNumber": .text(DeviceBench.contact), "state": .text(state), "error": error]
                                ],
                            ]
                        ]
                        #expect(
                            try await bench.mobile("PATCH", "/message", token, report).status == 204, "\(testCase.name)"
                        )
                    }
                    #expect(try await bench.status(id) == testCase.status, "\(testCase.name)")
                    try await until("its events came") { bench.events(of: id).count >= testCase.events.count }
                    #expect(Set(bench.events(of: id)) == Set(testCase.events), "\(testCase.name)")
                    #expect(bench.events(of: id).count == testCase.events.count, "\(testCase.name)")
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func foreignIDsAreAnsweredLikeOwnOnesAndChangeNothing() async throws {
            try await DeviceBench.run { bench in
                _ = try await bench.registered()
                let other: JSONValue = [["sim": "SIM1", "phone_number": .text(DeviceBench.second)]]
                let token = try await bench.registered(other).token
                let id = try await bench.send()
                for foreign in [id, "0199f0b1-2f44-7c0a-8d1c-6f2f4a1f3c55", "nonsense", ""] {
                    let report: JSONValue = [["id": .text(foreign), "state": "Sent", "recipients": [], "states": [:]]]
                    #expect(try await bench.mobile("PATCH", "/message", token, report).status == 204)
                }

                #expect(try await bench.mobile("GET", "/message", token).body == [])
                #expect(["pending", "scheduled"].contains(try await bench.status(id)))
                #expect(try await bench.mobile("GET", "/message", "Bearer \(Client.apiKey)").status == 401)
            }
        }
    }
}
