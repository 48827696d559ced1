import Foundation
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

extension PatientTests {
    /// Receivers that stall, flood, break off or talk nonsense: what the real server records of them, and what they cost it.
    ///
    /// What each does to a single attempt is tested closer by, in `DeliveryTests/Sender`.
    @Suite struct HostileReceivers {
        /// One way to be hostile, and what the delivery says after one attempt.
        struct Case: Sendable, CustomTestStringConvertible {
            let name: String
            let status: String
            let error: String?
            let statusCode: Int?
            let script: RawReceiver.Script

            var testDescription: String { name }

            static func taken(_ name: String, as code: Int = 200, _ script: @escaping RawReceiver.Script) -> Self {
                Case(name: name, status: "succeeded", error: nil, statusCode: code, script: script)
            }

            static func retried(_ name: String, _ error: String, _ script: @escaping RawReceiver.Script) -> Self {
                Case(name: name, status: "pending", error: error, statusCode: nil, script: script)
            }
        }

        private static let head = "HTTP/1.1 200 OK\r\n"
        private static let failure = "HTTP/1.1 500 Oops\r\n"

        static let cases: [Case] = [
            .retried("says nothing", "timeout") { _ in },
            .retried("drips its head", "timeout") {
                $0.drip([failure, "X-Drip: 1\r\n"], every: .milliseconds(50), forEver: true)
            },
            .retried("closes without an answer", "connection_closed") { $0.close() },
            .retried("resets without an answer", "connection_closed") { $0.reset() },
            .retried("sends a head without end", "response_too_large") {
                $0.write(failure + "X-Giant: ")
                $0.flood("a")
            },
            .retried("sends headers without end", "response_too_large") {
                $0.write(failure)
                $0.flood("X-Flood: 1\r\n")
            },
            .retried("sends interim answers without end", "invalid_response") {
                $0.flood("HTTP/1.1 100 Continue\r\n\r\n")
            },
            .retried("switches protocols", "invalid_response") {
                $0.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n")
            },
            .retried("is no HTTP server", "invalid_response") { $0.write("220 mail ESMTP\r\n") },
            .taken("drips its head after a 200") {
                $0.drip([head, "X-Drip: 1\r\n"], every: .milliseconds(50), forEver: true)
            },
            .taken("sends headers without end after a 200") {
                $0.write(head)
                $0.flood("X-Flood: 1\r\n")
            },
            .taken("drips its body forever") {
                $0.write(head + "Content-Length: 100000\r\n\r\n")
                $0.drip(["x"], every: .milliseconds(20), forEver: true)
            },
            .taken("sends a body without end") {
                $0.write(head + "\r\n")
                $0.flood("a")
            },
            .taken("resets after a 200") {
                $0.write(head + "Content-Length: 1000\r\n\r\nhalf")
                $0.reset()
            },
            .taken("breaks its compressed body off", as: 202) {
                $0.write("HTTP/1.1 202 Accepted\r\nContent-Encoding: gzip\r\nContent-Length: 90\r\n\r\n\u{1f}bad")
                $0.close()
            },
            .taken("chunks without sense") {
                $0.write(head + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n")
                $0.flood("z")
            },
        ]

        /// Deliveries per case.
        private static let count = isSoak ? 64 : 4

        @Test(.timeLimit(.minutes(15)))
        func eachIsRecordedForWhatItIsAndCostsLittle() async throws {
            // The first retry is far away, so that every delivery is seen after its first attempt.
            try await withInstallation(["WEBHOOK_RETRY_DELAYS": "1h"]) { installation in
                let client = Client(installation: installation)
                try await client.setUp()
                var number = 0
                func deliver(_ scenario: Case, _ count: Int) async throws {
                    try await RawReceiver.run(script: scenario.script) { receiver, port in
                        let webhook = try await client.webhook(
                            "http://127.0.0.1:\(port)/hook", events: ["message.phone.received"])
                        for _ in 0..<count {
                            number += 1
                            try await client.receive(scenario.name, number: number)
                        }
                        let path = "/v1/webhooks/\(webhook)/deliveries?limit=\(count)"
                        var deliveries: [JSONValue] = []
                        try await until(
                            "\(scenario.name): \(count) deliveries are \(scenario.status)", within: .seconds(60)
                        ) {
                            deliveries = try await client.call(.GET, path).elements
                            return deliveries.count { $0["status"].text == scenario.status && $0["attempt_count"] == 1 }
                                == count
                        }

                        #expect(deliveries.allSatisfy { $0["last_error"].text == scenario.error }, "\(scenario.name)")
                        let code: JSONValue = scenario.statusCode.map { .number(Double($0)) } ?? .null
                        #expect(deliveries.allSatisfy { $0["last_status_code"] == code }, "\(scenario.name)")
                        #expect(receiver.requests.count == count, "\(scenario.name): none was sent again")
                        try await client.call(.DELETE, "/v1/webhooks/\(webhook)")
                    }
                }
                let plain = Case.taken("answers") { $0.write(Self.head + "Content-Length: 0\r\n\r\n") }

                // What a server needs once (caches, connections, threads) is no growth.
                try await deliver(plain, 100)
                for scenario in Self.cases { try await deliver(scenario, 2) }
                let process = try #require(installation.server)
                for scenario in Self.cases {
                    let before = try Self.residentKiB(process)
                    try await deliver(scenario, Self.count)
                    let growth = try Self.residentKiB(process) - before
                    print("\(scenario.name): \(growth) KiB")
                    #expect(growth < 1_024, "\(scenario.name)")
                }
            }
        }

        /// The resident memory of a process, from `/proc`.
        private static func residentKiB(_ process: ChildProcess) throws -> Int {
            let status = try String(contentsOfFile: "/proc/\(process.id)/status", encoding: .utf8)
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
            return try #require(line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) })
        }
    }
}
