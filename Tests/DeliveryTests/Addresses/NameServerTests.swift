import NIOCore
import TestSupport
import Testing

@testable import Delivery

/// The address policy with real DNS: answers of a name server of the test's own, the server's resolver and its memory,
/// real sockets. Only `resolv.conf` is not part of it.
@Suite(.timeLimit(.minutes(15))) struct NameServerTests {
    /// Allows one address of loopback, so that its neighbours stand for the forbidden rest.
    private static let policy = AddressPolicy(allowedNetworks: [
        Network(base: IPAddress(v4: 0x7F00_0001), prefixLength: 32)
    ])

    @Test func aNameThatRebindsAfterItWasVettedIsNotDialled() async throws {
        try await Self.run({ question in
            .addresses([question.count == 0 ? "127.0.0.1" : "127.0.0.2"])
        }) { names, resolver, clock in
            try await RawReceiver.run(host: "0.0.0.0", script: { $0.write(okResponse) }) { receiver, port in
                try await withSender(resolver: resolver, policy: Self.policy) { sender in
                    let url = "http://rebind.test:\(port)/hook"

                    try await vetCallback(try CallbackURL(url), account: "ann", resolver: resolver, policy: Self.policy)
                    let pinned = await sender.send(try request(url), within: .seconds(20))
                    clock.advance(by: .seconds(31))
                    let rebound = await sender.send(try request(url), within: .seconds(20))

                    #expect(pinned.outcome == .response(statusCode: 200))
                    #expect(pinned.address == IPAddress("127.0.0.1"))
                    #expect(rebound.failureCode == .addressBlocked)
                    #expect(rebound.outcome.failure?.isFinal == false)
                    #expect(names.names == ["rebind.test", "rebind.test"])
                    // The name goes on the wire, the address is what was dialled.
                    #expect(receiver.requests.count == 1)
                    #expect(receiver.requests[0].lowercased().contains("host: rebind.test:\(port)\r\n"))
                }
            }
        }
    }

    @Test(
        arguments: [
            ["127.0.0.1", "10.0.0.1"], ["169.254.169.254", "127.0.0.1"], ["127.0.0.1", "::1"],
            ["127.0.0.1", "::ffff:10.0.0.1"], ["127.0.0.1", "64:ff9b::a00:1"], ["127.0.0.1", "2002:a00:1::"],
        ]) func aMixedAnswerIsRefusedOnSaveAndAtTheDial(answer: [String]) async throws
    {
        try await Self.run({ _ in .addresses(answer) }) { _, resolver, _ in
            try await RawReceiver.run(script: { $0.write(okResponse) }) { receiver, port in
                try await withSender(resolver: resolver, policy: Self.policy) { sender in
                    let url = "http://mixed.test:\(port)/"

                    await #expect(throws: BlockedAddress.self) {
                        try await vetCallback(
                            try CallbackURL(url), account: "ann", resolver: resolver, policy: Self.policy)
                    }
                    let result = await sender.send(try request(url), within: .seconds(20))

                    #expect(result.failureCode == .addressBlocked)
                    #expect(receiver.connectionCount == 0)
                }
            }
        }
    }

    @Test func aNameWithoutAnAnswerIsTakenOnSaveAndFailsAtTheDial() async throws {
        try await Self.run({ $0.name == "silent.test" ? .silence : .notFound }) { _, resolver, _ in
            try await withSender(resolver: resolver, policy: Self.policy) { sender in
                try await vetCallback(
                    try CallbackURL("http://missing.test/"), account: "ann", resolver: resolver, policy: Self.policy)

                let missing = await sender.send(try request("http://missing.test/"), within: .seconds(20))
                let silent = await sender.send(try request("http://silent.test/"), within: .milliseconds(200))

                #expect(missing.failureCode == .dnsFailed)
                #expect(silent.failureCode == .dnsTimeout)
            }
        }
    }

    /// Runs `body` with the server's resolver over a name server that follows `script`, and the clock of its memory.
    private static func run(
        _ script: @escaping NameServer.Script,
        body: (NameServer, SystemResolver, LookupClock) async throws -> Void
    ) async throws {
        try await NameServer.run(script) { names, port in
            let clock = LookupClock()
            let files = loopbackNames(at: port)
            // Patient, so that a busy machine is not taken for a silent name server.
            let resolver = SystemResolver(
                files: files, lookups: try NameLookups(files), patience: .seconds(5), now: { clock.now })
            defer { resolver.shutdown() }
            try await body(names, resolver, clock)
        }
    }
}
