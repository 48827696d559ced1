import TestSupport
import Testing

@testable import Delivery

/// Names that answer with addresses they should not.
@Suite struct AddressPinningTests {
    /// Allows one address of loopback, so that its neighbours stand for the forbidden rest.
    private let policy = AddressPolicy(allowedNetworks: [
        Network(base: IPAddress(v4: 0x7F00_0001), prefixLength: 32)
    ])

    @Test func aNameThatRebindsIsRefusedAtTheNextDial() async throws {
        let resolver = StubResolver(.success([IPAddress(v4: 0x7F00_0001)]), .success([IPAddress(v4: 0x7F00_0002)]))
        try await RawReceiver.run(host: "0.0.0.0", script: { $0.write(okResponse) }) { receiver, port in
            try await withSender(resolver: resolver, policy: policy) { sender in
                let request = try request("http://rebind.test:\(port)/")

                let first = await sender.send(request, within: .seconds(20))
                let second = await sender.send(request, within: .seconds(20))

                #expect(first.outcome == .response(statusCode: 200))
                // The connection of the first attempt is idle, and still not used.
                #expect(second.failureCode == .addressBlocked)
                #expect(receiver.requests.count == 1)
                #expect(resolver.hosts == ["rebind.test", "rebind.test"])
            }
        }
    }

    @Test(arguments: [["127.0.0.1", "10.0.0.1"], ["169.254.169.254", "127.0.0.1"], ["127.0.0.1", "::1"]])
    func aMixedAnswerIsRefusedWhole(answer: [String]) async throws {
        let resolver = StubResolver(.success(answer.compactMap { IPAddress($0) }))
        try await RawReceiver.run(script: { $0.write(okResponse) }) { receiver, port in
            try await withSender(resolver: resolver, policy: policy) { sender in
                let result = await sender.send(try request("http://mixed.test:\(port)/"), within: .seconds(20))

                #expect(result.failureCode == .addressBlocked)
                #expect(result.phases.dns != nil)
                #expect(receiver.connectionCount == 0)
            }
        }
    }

    @Test(arguments: [
        "http://2130706434", "http://[::1]", "http://[::ffff:10.0.0.1]", "http://0x0", "http://169.254.169.254",
    ])
    func aLiteralIsJudgedWithoutALookup(url: String) async throws {
        let resolver = StubResolver("127.0.0.1")
        try await withSender(resolver: resolver, policy: policy) { sender in
            let result = await sender.send(try request(url), within: .seconds(20))

            #expect(result.failureCode == .addressBlocked)
            // It is what the webhook says, and the next attempt would find the same.
            #expect(result.outcome.failure?.isFinal == true)
            #expect(resolver.hosts.isEmpty)
        }
    }

    @Test(arguments: [["10.20.30.40"], ["8.8.8.8", "127.0.0.1"], ["fd00::7"]])
    func whatAnInvitedAccountReadsOfAnAttemptNamesNoAddressInside(answer: [String]) async throws {
        let resolver = StubResolver(.success(answer.compactMap { IPAddress($0) }))
        try await withSender(resolver: resolver, policy: policy) { sender in
            let request = WebhookRequest(
                poolKey: "endpoint.1", url: try CallbackURL("http://internal.corp/"), headers: [], body: [],
                isPublicOnly: true)
            let result = await sender.send(request, within: .seconds(20))

            let text = "the host has an address that webhooks of this account may not reach"
            #expect(result.outcome == .failure(AttemptFailure(.addressBlocked, text, isFinal: false)))
        }
    }

    @Test(
        arguments: [
            (.notFound, .dnsFailed), (.failed("SERVFAIL"), .dnsFailed), (.unavailable, .cancelled),
            (.timedOut, .dnsTimeout),
            (.cancelled, .cancelled),
        ] as [(ResolutionError, AttemptFailure.Code)])
    func aFailedLookupHasItsOwnCode(error: ResolutionError, code: AttemptFailure.Code) async throws {
        try await withSender(resolver: StubResolver(.failure(error))) { sender in
            let result = await sender.send(try request("http://a.test/"), within: .seconds(20))

            #expect(result.failureCode == code)
        }
    }

    @Test func aLookupThatBlocksEndsAtTheDeadline() async throws {
        let resolver = SystemResolver(lookups: ScriptedLookups())
        defer { resolver.shutdown() }
        try await withSender(resolver: resolver) { sender in
            let result = await sender.send(try request("http://a.test/"), within: .milliseconds(100))

            #expect(result.failureCode == .dnsTimeout)
            #expect(result.duration >= .milliseconds(99) && result.duration < .seconds(15))
        }
    }

    @Test func anAddressThatRefusesFallsBackToTheNext() async throws {
        let resolver = StubResolver("::1", "127.0.0.1")
        try await RawReceiver.run(script: { $0.write(okResponse) }) { _, port in
            try await withSender(resolver: resolver) { sender in
                let result = await sender.send(try request("http://dual.test:\(port)/"), within: .seconds(20))

                #expect(result.outcome == .response(statusCode: 200))
                #expect(result.address == IPAddress("127.0.0.1"))
            }
        }
    }
}
