import TestSupport
import Testing

@testable import Delivery

/// Addresses that swallow connections: no refusal, no answer.
@Suite struct SilentAddressTests {
    @Test func aConnectionThatIsNeverMadeTimesOut() async throws {
        try await RawReceiver.run(script: { _ in }) { _, port in
            try await withSilentAddress(port: port) { _ in
                try await withSender { sender in
                    let request = try request("http://127.0.0.2:\(port)/")
                    let result = await sender.send(request, within: .milliseconds(300))

                    #expect(result.failureCode == .connectTimeout)
                    #expect(result.duration >= .milliseconds(299) && result.duration < .seconds(15))
                }
            }
        }
    }

    @Test func aSilentAddressIsOvertakenAfterAQuarterOfASecond() async throws {
        try await RawReceiver.run(script: { $0.write(okResponse) }) { receiver, port in
            try await withSilentAddress(port: port) { _ in
                try await withSender(resolver: StubResolver("127.0.0.2", "127.0.0.1")) { sender in
                    let result = await sender.send(try request("http://dual.test:\(port)/"), within: .seconds(30))

                    #expect(result.outcome == .response(statusCode: 200))
                    #expect(result.address == IPAddress("127.0.0.1"))
                    let connect = try #require(result.phases.connect)
                    #expect(connect >= .milliseconds(250) && connect < .seconds(10))
                    #expect(receiver.requests.count == 1)
                }
            }
        }
    }

    /// Twelve listeners that never accept would take a minute to set up: refusals make the same way through the list.
    @Test func everyAddressOfManyIsReached() async throws {
        let dead = (1...12).map { "127.0.1.\($0)" }
        try await RawReceiver.run(script: { $0.write(okResponse) }) { receiver, port in
            try await withSender(resolver: StubResolver(.success((dead + ["127.0.0.1"]).compactMap { IPAddress($0) })))
            {
                sender in
                let result = await sender.send(try request("http://many.test:\(port)/"), within: .seconds(30))

                #expect(result.outcome == .response(statusCode: 200))
                #expect(receiver.requests.count == 1)
            }
        }
    }

    @Test func moreThanEightSilentAddressesAreOvertaken() async throws {
        try await RawReceiver.run(script: { $0.write(okResponse) }) { receiver, port in
            try await withSilentAddress(port: port) { _ in
                // One address that swallows everything, twelve times: as bits they differ only for the resolver.
                let silent = try #require(IPAddress("127.0.0.2"))
                let resolver = StubResolver(
                    .success(Array(repeating: silent, count: 12) + [IPAddress(v4: 0x7F00_0001)]))
                try await withSender(resolver: resolver) { sender in
                    let results = await sender.send(
                        WebhookRequest(
                            poolKey: "1", url: try CallbackURL("http://many.test:\(port)/"), headers: [], body: [],
                            turn: .init(delivery: "", attempt: 1)), within: .seconds(30))

                    #expect(results.outcome == .response(statusCode: 200))
                    #expect(results.address == IPAddress("127.0.0.1"))
                }
            }
        }
    }
}
