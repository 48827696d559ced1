import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import Delivery

/// c-ares on its thread against name servers of the test's own.
@Suite(.timeLimit(.minutes(15))) struct NameLookupsTests {
    private typealias Answer = Result<[IPAddress], ResolutionError>

    /// Looks a name up; nil when no answer was given before the lookups were shut down.
    private static func lookUp(
        _ name: String, _ files: NameServiceFiles, within limit: TimeAmount = .seconds(30)
    ) async throws -> Answer {
        let lookups = try NameLookups(files)
        defer { lookups.shutdown() }
        return await withCheckedContinuation { continuation in
            lookups.start(1, name, until: .now() + limit) { continuation.resume(returning: $0) }
        }
    }

    private static func lookUp(
        _ name: String = "a.test", within limit: TimeAmount = .seconds(30), answer: NameServer.Answer
    ) async throws -> Answer {
        try await NameServer.run({ _ in answer }) { _, port in
            try await lookUp(name, loopbackNames(at: port), within: limit)
        }
    }

    private static func addresses(_ texts: String...) -> Answer {
        .success(texts.compactMap { IPAddress($0) })
    }

    @Test func bothFamiliesAreLookedUp() async throws {
        let found = try await Self.lookUp(answer: .addresses(["10.0.0.1", "10.0.0.2", "::1"]))

        #expect(try Set(found.get()) == Set(["10.0.0.1", "10.0.0.2", "::1"].compactMap { IPAddress($0) }))
    }

    @Test func aFamilyWithoutARouteComesLast() async throws {
        // A link-local address without its zone leads nowhere.
        #expect(
            try await Self.lookUp(answer: .addresses(["fe80::1", "127.0.0.1"]))
                == Self.addresses("127.0.0.1", "fe80::1"))
        #expect(try await Self.lookUp(answer: .addresses(["127.0.0.1", "::1"])) == Self.addresses("::1", "127.0.0.1"))
    }

    @Test func anAddressInBothFamiliesIsOne() async throws {
        #expect(try await Self.lookUp(answer: .addresses(["10.0.0.1", "10.0.0.1"])) == Self.addresses("10.0.0.1"))
    }

    @Test(arguments: [NameServer.Answer.notFound, .addresses([])])
    func aNameServerThatKnowsNoAddressIsBelieved(answer: NameServer.Answer) async throws {
        #expect(try await Self.lookUp(answer: answer) == .failure(.notFound))
    }

    @Test(arguments: [2, 4, 5] as [UInt8]) func aNameServerThatCannotSayHasFailed(code: UInt8) async throws {
        let found = try await Self.lookUp(answer: .code(code))

        guard case .failure(.failed(let text)) = found else {
            Issue.record("\(found)")
            return
        }
        #expect(!text.isEmpty)
    }

    @Test func aSilentNameServerCostsTheLookupsTimeAndNoMore() async throws {
        let start = ContinuousClock.now

        #expect(try await Self.lookUp(within: .milliseconds(100), answer: .silence) == .failure(.timedOut))
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test(arguments: [IPAddress.Family.v4, .v6]) func theFamilyThatAnswersIsEnough(silent: IPAddress.Family)
        async throws
    {
        let found = try await NameServer.run({ question in
            question.family == silent ? .silence : .addresses(["10.0.0.1", "2a00::1"])
        }) { _, port in
            try await Self.lookUp("a.test", loopbackNames(at: port))
        }

        #expect(found == (silent == .v6 ? Self.addresses("10.0.0.1") : Self.addresses("2a00::1")))
    }

    @Test(arguments: [NameServer.Answer.notFound, .code(2), .addresses([])])
    func theFamilyThatHasAddressesIsEnough(other: NameServer.Answer) async throws {
        let found = try await NameServer.run({ question in
            question.family == .v6 ? other : .addresses(["10.0.0.1"])
        }) { _, port in
            try await Self.lookUp("a.test", loopbackNames(at: port))
        }

        #expect(found == Self.addresses("10.0.0.1"))
    }

    @Test func aTruncatedAnswerIsHadOverTCP() async throws {
        let many = (1...100).map { "10.0.1.\($0)" }
        let (found, count) = try await NameServer.run({ _ in .truncated(many) }) { names, port in
            (try await Self.lookUp("a.test", loopbackNames(at: port)), names.tcpCount)
        }

        #expect(try found.get() == many.compactMap { IPAddress($0) })
        #expect(count > 0)
    }

    @Test func aNameWithThousandsOfAddressesHasAHundred() async throws {
        // The largest message that fits: 64 KiB.
        let many = (0..<4_000).map { "10.0.\($0 / 256).\($0 % 256)" }

        let found = try await Self.lookUp(answer: .truncated(many))

        #expect(try found.get() == many.prefix(100).compactMap { IPAddress($0) })
    }

    @Test func anAnswerThatTricklesEndsAtTheDeadline() async throws {
        let found = try await NameServer.run({ $0.isTCP ? .trickle : .truncated([]) }) { _, port in
            try await Self.lookUp("a.test", loopbackNames(at: port), within: .milliseconds(500))
        }

        #expect(found == .failure(.timedOut))
    }

    @Test func aliasesAreFollowed() async throws {
        #expect(
            try await Self.lookUp(answer: .aliases(["b.test", "c.test", "d.test"], ["10.0.0.1"]))
                == Self.addresses("10.0.0.1"))
    }

    @Test(arguments: [["b.test", "a.test"], ["a.test"], (0..<200).map { "\($0 % 2).test" }])
    func aliasesInACircleLeadNowhere(names: [String]) async throws {
        let found = try await Self.lookUp(answer: .aliases(names, []))

        #expect(throws: ResolutionError.self) { try found.get() }
    }

    @Test func packetsThatAnswerSomethingElseAreNotTaken() async throws {
        let found = try await NameServer.run({ question in
            let evil = NameServer.addresses(["6.6.6.6"], of: NameServer.encoded("a.test"), .v4)
            let other =
                Array(question.bytes[..<2]) + [0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0] + NameServer.encoded("b.test")
            switch question.name {
            case "id.test": return .packet(NameServer.packet(id: [question.bytes[0] ^ 1, 0], evil, to: question))
            case "question.test": return .packet(other + [0, 1, 0, 1] + evil.joined())
            case "query.test": return .packet(question.bytes)
            default: return .packet([])
            }
        }) { _, port in
            var found: [Answer] = []
            for name in ["id.test", "question.test", "query.test", "empty.test"] {
                found.append(try await Self.lookUp(name, loopbackNames(at: port), within: .milliseconds(300)))
            }
            return found
        }

        for answer in found {
            #expect(throws: ResolutionError.self) { try answer.get() }
        }
    }

    @Test func garbageBehindARightHeaderIsNoAnswer() async throws {
        for seed in 0..<40 as Range<UInt8> {
            let found = try await NameServer.run({ question in
                let bytes = (0..<UInt8(60)).map { $0 &* 37 &+ seed &* 101 }
                return .packet(NameServer.packet([[0xc0, seed] + bytes, bytes], to: question))
            }) { _, port in
                try await Self.lookUp("a.test", loopbackNames(at: port), within: .milliseconds(200))
            }

            #expect(throws: ResolutionError.self, "seed \(seed)") { try found.get() }
        }
    }

    @Test func theNextServerIsAskedWhenTheFirstIsSilent() async throws {
        let found = try await NameServer.run({ _ in .silence }) { _, port in
            try await NameServer.run(host: "127.0.0.2", port: port, { _ in .addresses(["10.0.0.1"]) }) { _, _ in
                try await Self.lookUp("a.test", loopbackNames(at: port, servers: ["127.0.0.1", "127.0.0.2"]))
            }
        }

        #expect(found == Self.addresses("10.0.0.1"))
    }

    @Test func aMachineWithoutANameServerHasNoAddresses() async throws {
        let port = try await NameServer.run({ _ in .silence }) { _, port in port }

        let found = try await Self.lookUp("a.test", loopbackNames(at: port))

        #expect(throws: ResolutionError.self) { try found.get() }
    }

    @Test func everyLookupHasAPortOfItsOwn() async throws {
        let ports = try await NameServer.run({ _ in .addresses(["10.0.0.1"]) }) { names, port in
            for index in 0..<20 { _ = try await Self.lookUp("\(index).test", loopbackNames(at: port)) }
            return names.ports
        }

        #expect(ports.count > 15)
    }

    @Test func hundredsOfSilentNamesDelayNoOther() async throws {
        try await NameServer.run({ $0.name == "good.test" ? .addresses(["10.0.0.1"]) : .silence }) { _, port in
            let lookups = try NameLookups(loopbackNames(at: port))
            defer { lookups.shutdown() }
            let dead = Mutex(0)
            for id in 0..<500 as Range<UInt64> {
                lookups.start(id, "dead\(id).test", until: .now() + .minutes(10)) { _ in dead.withLock { $0 += 1 } }
            }

            let found = await withCheckedContinuation { continuation in
                lookups.start(500, "good.test", until: .now() + .seconds(30)) { continuation.resume(returning: $0) }
            }

            #expect(found == Self.addresses("10.0.0.1"))
            #expect(dead.withLock { $0 } == 0)
            for id in 0..<500 as Range<UInt64> { lookups.cancel(id) }
        }
    }

    @Test func aCancelledLookupSaysNothingMore() async throws {
        try await NameServer.run({ $0.name == "good.test" ? .addresses(["10.0.0.1"]) : .silence }) { names, port in
            let lookups = try NameLookups(loopbackNames(at: port))
            defer { lookups.shutdown() }
            let told = Mutex(false)
            lookups.start(1, "dead.test", until: .now() + .milliseconds(500)) { _ in told.withLock { $0 = true } }
            try await until("the name server is asked") { !names.names.isEmpty }

            lookups.cancel(1)
            lookups.cancel(1)
            lookups.cancel(99)
            // One that ends later than the first would have.
            let later = await withCheckedContinuation { continuation in
                lookups.start(2, "other.test", until: .now() + .milliseconds(600)) {
                    continuation.resume(returning: $0)
                }
            }

            #expect(later == .failure(.timedOut))
            #expect(!told.withLock { $0 })
        }
    }

    @Test func shutdownEndsLookupsThatRun() async throws {
        try await NameServer.run({ _ in .silence }) { names, port in
            weak var ended: NameLookups?
            do {
                let lookups = try NameLookups(loopbackNames(at: port))
                ended = lookups
                for id in 0..<50 as Range<UInt64> {
                    lookups.start(id, "\(id).test", until: .now() + .minutes(10)) { _ in }
                }
                try await until("the name server is asked") { names.names.count > 10 }
                lookups.shutdown()
                lookups.start(99, "late.test", until: .now() + .minutes(10)) { _ in }
            }

            // The thread, which holds it, has ended.
            try await until("the thread ends") { ended == nil }
        }
    }
}

/// The files that say how names are looked up.
@Suite(.timeLimit(.minutes(15))) struct NameServiceFilesTests {
    private static func withLookups<Value>(
        _ files: NameServiceFiles, body: ((String) async -> Result<[IPAddress], ResolutionError>) async throws -> Value
    ) async throws -> Value {
        let lookups = try NameLookups(files)
        defer { lookups.shutdown() }
        let ids = Mutex<UInt64>(0)
        return try await body { name in
            await withCheckedContinuation { continuation in
                let id = ids.withLock { id in
                    id += 1
                    return id
                }
                lookups.start(id, name, until: .now() + .seconds(30)) { continuation.resume(returning: $0) }
            }
        }
    }

    @Test func theHostsFileGoesFirstAndIsReadAgainWhenItChanged() async throws {
        try await NameServer.run({ _ in .addresses(["10.0.0.1"]) }) { names, port in
            let hosts = try TemporaryFile("10.9.9.9 a.test\n::9 a.test\n")
            var files = loopbackNames(at: port)
            files.hosts = hosts.path
            try await Self.withLookups(files) { lookUp in
                let before = try await lookUp("a.test").get()
                try hosts.replace("10.9.9.10 a.test b.test\n")
                let after = try await lookUp("a.test").get()
                try hosts.replace("")
                let without = try await lookUp("a.test").get()

                #expect(before == ["10.9.9.9", "::9"].compactMap { IPAddress($0) })
                #expect(after == ["10.9.9.10"].compactMap { IPAddress($0) })
                #expect(without == ["10.0.0.1"].compactMap { IPAddress($0) })
                #expect(names.names == ["a.test"])
            }
        }
    }

    @Test(arguments: ["localhost", "api.localhost"]) func namesOfThisMachineDoNotLeaveIt(name: String) async throws {
        try await NameServer.run({ _ in .addresses(["6.6.6.6"]) }) { names, port in
            try await Self.withLookups(loopbackNames(at: port)) { lookUp in
                #expect(await lookUp(name) == .success(["127.0.0.1", "::1"].compactMap { IPAddress($0) }))
                #expect(names.names.isEmpty)
            }
        }
    }

    @Test func resolvConfIsReadAgainByEveryLookup() async throws {
        try await NameServer.run({ _ in .addresses(["10.0.0.1"]) }) { _, port in
            try await NameServer.run(host: "127.0.0.2", port: port, { _ in .addresses(["10.0.0.2"]) }) { _, _ in
                let file = try TemporaryFile("nameserver 127.0.0.1\n")
                var files = loopbackNames(at: port, servers: [])
                files.resolvConf = file.path
                try await Self.withLookups(files) { lookUp in
                    let before = try await lookUp("a.test").get()
                    try file.replace("nameserver 127.0.0.2\n")
                    let after = try await lookUp("a.test").get()

                    #expect(before == [IPAddress(v4: 0x0A00_0001)])
                    #expect(after == [IPAddress(v4: 0x0A00_0002)])
                }
            }
        }
    }

    /// Without a name server in it, the one of this machine is asked, as by every program.
    @Test(
        arguments: [
            "", "nameserver\nnameserver not-an-address\n", "\0\u{1}\u{2}garbage without end",
            String(repeating: "x", count: 200_000), "search \(String(repeating: "a.b ", count: 5_000))\n",
            "options ndots:999999999999999999 timeout:-1 attempts:0\n", nil,
        ])
    func aFileWithoutAServerMeansThisMachine(text: String?) async throws {
        try await NameServer.run({ $0.name == "a.test" ? .addresses(["10.0.0.1"]) : .notFound }) { _, port in
            let file = try text.map { try TemporaryFile($0) }
            var files = loopbackNames(at: port, servers: [])
            files.resolvConf = file?.path ?? "/nonexistent/resolv.conf"
            try await Self.withLookups(files) { lookUp in
                #expect(await lookUp("a.test") == .success([IPAddress(v4: 0x0A00_0001)]))
            }
        }
    }

    @Test(
        arguments: [
            ("host", "search one.test two.test\n", ["host.one.test", "host.two.test", "host"]),
            ("host.sub", "search one.test\n", ["host.sub", "host.sub.one.test"]),
            ("host.sub", "search one.test\noptions ndots:2\n", ["host.sub.one.test", "host.sub"]),
            ("host", "search .\n", ["host"]),
        ] as [(String, String, [String])])
    func searchDomainsAreTriedInOrder(name: String, text: String, asked: [String]) async throws {
        try await NameServer.run({ _ in .notFound }) { names, port in
            let file = try TemporaryFile("nameserver 127.0.0.1\n" + text)
            var files = loopbackNames(at: port, servers: [])
            files.resolvConf = file.path
            try await Self.withLookups(files) { lookUp in
                #expect(await lookUp(name) == .failure(.notFound))
                #expect(names.names == asked)
            }
        }
    }

    @Test func addressesOfTwoSearchDomainsAreNotMixed() async throws {
        try await NameServer.run({ question in
            switch question.name {
            case "host.one.test": .addresses(["10.0.0.1"])
            case "host.two.test": .addresses(["::2"])
            default: .notFound
            }
        }) { _, port in
            let file = try TemporaryFile("nameserver 127.0.0.1\nsearch one.test two.test\n")
            var files = loopbackNames(at: port, servers: [])
            files.resolvConf = file.path
            try await Self.withLookups(files) { lookUp in
                #expect(await lookUp("host") == .success([IPAddress(v4: 0x0A00_0001)]))
            }
        }
    }

    @Test func aServerThatDiesAndReturnsIsAskedAgain() async throws {
        let port = try await NameServer.run({ _ in .silence }) { _, port in port }
        try await Self.withLookups(loopbackNames(at: port)) { lookUp in
            let dead = await lookUp("a.test")
            let back = try await NameServer.run(port: port, { _ in .addresses(["10.0.0.1"]) }) { _, _ in
                await lookUp("a.test")
            }

            #expect(throws: ResolutionError.self) { try dead.get() }
            #expect(back == .success([IPAddress(v4: 0x0A00_0001)]))
        }
    }
}
