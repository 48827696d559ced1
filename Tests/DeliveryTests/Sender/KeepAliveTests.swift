#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import Delivery

@Suite struct KeepAliveTests {
    /// The machine was too busy three times in a row.
    private struct Stalled: Error {}

    /// Sends twice to one receiver and returns both results and the number of connections it saw.
    private func sendTwice(
        poolKeys: (String, String) = ("endpoint.1", "endpoint.1"), script: @escaping RawReceiver.Script
    ) async throws -> (first: AttemptResult, second: AttemptResult, connections: Int) {
        for _ in 0..<10 {
            let start = ContinuousClock.now
            let answer = try await RawReceiver.run(script: script) { receiver, port in
                try await withSender { sender in
                    let url = "http://receiver.test:\(port)/"
                    let first = await sender.send(try request(url, poolKey: poolKeys.0), within: .seconds(20))
                    let second = await sender.send(try request(url, poolKey: poolKeys.1), within: .seconds(20))
                    return (first, second, receiver.connectionCount)
                }
            }
            // On a machine that stalls for longer than connections may idle, nothing was tried: again.
            if ContinuousClock.now - start < .seconds(1) { return answer }
        }
        throw Stalled()
    }

    @Test(arguments: [
        okResponse, "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;ext=1\r\nok\r\n0\r\nTrailer: 1\r\n\r\n",
        "HTTP/1.1 500 Oops\nContent-Length: 2\n\nok",
        "HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx",
    ])
    func aCleanAnswerKeepsTheConnection(response: String) async throws {
        let (first, second, connections) = try await sendTwice { $0.write(response) }

        #expect(first.outcome == second.outcome)
        #expect(first.phases.connect != nil && second.phases.connect == nil)
        #expect(first.phases.firstByte != nil && second.phases.firstByte != nil)
        #expect(second.address == IPAddress("127.0.0.1"))
        #expect(connections == 1)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nConnection: x, Close \r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok, and more",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\nsmuggled", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n",
    ])
    func anythingElseCostsIt(response: String) async throws {
        let (first, second, connections) = try await sendTwice { $0.write(response) }

        #expect(first.outcome == second.outcome)
        #expect(second.phases.connect != nil)
        #expect(connections == 2)
    }

    @Test func anAnswerBeforeTheRequestHasLeftCostsTheConnection() async throws {
        try await RawReceiver.run(
            answersConnections: true,
            script: { peer in
                // Reads nothing: a body beyond all socket buffers stays half written.
                peer.channel.setOption(.autoRead, value: false).whenSuccess { peer.write(okResponse) }
            }
        ) { _, port in
            try await withSender { sender in
                let body = String(repeating: "a", count: 16 << 20)
                let request = try request("http://receiver.test:\(port)/", body: body)
                let result = await sender.send(request, within: .seconds(20))

                #expect(result.outcome == .response(statusCode: 200))
                #expect(sender.idleConnectionCount == 0)
            }
        }
    }

    @Test func anotherPoolKeyGetsItsOwnConnection() async throws {
        #expect(try await sendTwice(poolKeys: ("endpoint.1", "endpoint.2")) { $0.write(okResponse) }.connections == 2)
    }

    /// The receiver reads a request on a connection that served another before, and breaks down: it may have processed it.
    @Test(arguments: [false, true]) func aRequestThatMayHaveBeenReadIsNotRepeated(resets: Bool) async throws {
        let (first, second, connections) = try await sendTwice { peer in
            if peer.request == 0 { peer.write(okResponse) } else if resets { peer.reset() } else { peer.close() }
        }

        #expect(first.outcome == .response(statusCode: 200))
        #expect(second.failureCode == .connectionClosed)
        #expect(connections == 1)
    }

    /// What comes to a resting connection while its event loop is busy: the kernel knows of it, the loop does not.
    @Test(arguments: ["", "\r\n", "junk", "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"], [false, true])
    func aConnectionThatIsOutOfStepIsNotWrittenTo(bytes: String, closes: Bool) async throws {
        guard !bytes.isEmpty || closes else { return }
        // On a busy machine the connection may be too old before it is taken.
        for _ in 0..<10 where try await isTakenOutOfStep(bytes: bytes, closes: closes) { return }
        Issue.record("the connection was never taken")
    }

    /// Sends twice, with bytes or an end in between; false when the connection was not taken for the second.
    private func isTakenOutOfStep(bytes: String, closes: Bool) async throws -> Bool {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let peers = Mutex<[RawReceiver.Peer]>([])
        let script: RawReceiver.Script = { peer in
            peers.withLock { $0.append(peer) }
            peer.write(okResponse)
        }
        let isTaken = try await RawReceiver.run(script: script) { receiver, port in
            let sender = HTTPSender(
                resolver: StubResolver("127.0.0.1"), policy: loopbackPolicy,
                tls: try HTTPSender.makeTLS(SystemTrust(roots: nil, more: [])), group: group)
            let request = try request("http://receiver.test:\(port)/")
            #expect(await sender.send(request, within: .seconds(20)).outcome == .response(statusCode: 200))
            let peer = try #require(peers.withLock { $0.first })

            let isBusy = Mutex(true)
            group.any().execute { while isBusy.withLock({ $0 }) { usleep(1_000) } }
            let second = Task { await sender.send(request, within: .seconds(20)) }
            // It is closed already when it was too old.
            if !bytes.isEmpty { try? await peer.channel.writeAndFlush(ByteBuffer(string: bytes)) }
            if closes { try? await peer.channel.close() }
            let end = ContinuousClock.now + .seconds(2)
            try await until("the connection is taken or too old") {
                sender.idleConnectionCount == 0 || ContinuousClock.now > end
            }
            let isTaken = sender.idleConnectionCount == 0
            isBusy.withLock { $0 = false }

            #expect(await second.value.outcome == .response(statusCode: 200))
            #expect(receiver.requests.count == 2)
            #expect(receiver.connectionCount == 2)
            await sender.shutdown()
            return isTaken
        }
        try await group.shutdownGracefully()
        return isTaken
    }

    /// Bytes beyond an answer that arrive together with the next one.
    @Test(arguments: ["\r\n", "ok", "xyz\r\n\r\n", "{\"more\": true}"])
    func leftoversBeforeAnAnswerHarmNothing(leftovers: String) async throws {
        try await RawReceiver.run(script: { $0.write(($0.request > 0 ? leftovers : "") + okResponse) }) {
            receiver, port in
            try await withSender { sender in
                let request = try request("http://receiver.test:\(port)/")
                for _ in 0..<6 {
                    #expect(await sender.send(request, within: .seconds(20)).outcome == .response(statusCode: 200))
                }

                #expect(receiver.requests.count == 6)
                #expect(receiver.connectionCount >= 5, "a receiver that miscounts gets a connection for each request")
                #expect(sender.idleConnectionCount == 0)
            }
        }
    }

    @Test func nothingIsRedialledAfterAByteOfTheResponse() async throws {
        let (_, second, connections) = try await sendTwice { peer in
            guard peer.request > 0 else { return peer.write(okResponse) }
            peer.write("H")
            peer.close()
        }

        #expect(second.failureCode == .connectionClosed)
        #expect(connections == 1)
    }

    @Test func aFreshConnectionThatClosesIsNotRedialled() async throws {
        try await RawReceiver.run(script: { $0.close() }) { receiver, port in
            try await withSender { sender in
                let result = await sender.send(try request("http://receiver.test:\(port)/"), within: .seconds(20))

                #expect(result.failureCode == .connectionClosed)
                #expect(receiver.connectionCount == 1)
            }
        }
    }

    @Test func aReceiverThatSpeaksToAnIdleConnectionLosesItBeforeTheSweep() async throws {
        let waits = try await RawReceiver.run(script: { peer in
            peer.write(okResponse)
            peer.channel.eventLoop.scheduleTask(in: .milliseconds(20)) { peer.write("HTTP/1.1 408 Late\r\n\r\n") }
        }) { receiver, port in
            try await withSender { sender in
                var waits: [Duration] = []
                // The sweep would need 1.5 s; ten tries, so that stalls of a busy machine do not decide.
                while waits.count < 10, !waits.contains(where: { $0 < .milliseconds(1_200) }) {
                    _ = await sender.send(try request("http://receiver.test:\(port)/"), within: .seconds(20))
                    let start = ContinuousClock.now
                    try await until("the connection is closed") { receiver.openConnections == 0 }
                    waits.append(ContinuousClock.now - start)
                }
                return waits
            }
        }

        #expect(waits.contains { $0 < .milliseconds(1_200) }, "\(waits)")
    }

    @Test func idleConnectionsAreSweptAndClosed() async throws {
        try await RawReceiver.run(script: { $0.write(okResponse) }) { receiver, port in
            try await withSender { sender in
                _ = await sender.send(try request("http://receiver.test:\(port)/"), within: .seconds(20))

                try await until("the sweep closes it") { receiver.openConnections == 0 }
                #expect(sender.idleConnectionCount == 0)
            }
        }
    }

    @Test func shutdownClosesIdleConnectionsAndRefusesAttempts() async throws {
        try await RawReceiver.run(script: { $0.write(okResponse) }) { receiver, port in
            try await withSender { sender in
                let request = try request("http://receiver.test:\(port)/")
                _ = await sender.send(request, within: .seconds(20))

                await sender.shutdown()

                #expect(sender.idleConnectionCount == 0)
                #expect(await sender.send(request, within: .seconds(20)).failureCode == .cancelled)
                #expect(receiver.connectionCount == 1)
            }
        }
    }

    @Test func shutdownLetsAnAttemptEndAndDoesNotKeepItsConnection() async throws {
        let peers = Mutex<[RawReceiver.Peer]>([])
        try await RawReceiver.run(script: { peer in peers.withLock { $0.append(peer) } }) { receiver, port in
            try await withSender { sender in
                let request = try request("http://receiver.test:\(port)/")
                let task = Task { await sender.send(request, within: .seconds(60)) }
                try await until("the request arrives") { peers.withLock { !$0.isEmpty } }

                await sender.shutdown()
                peers.withLock { $0.first }?.write(okResponse)

                #expect(await task.value.outcome == .response(statusCode: 200))
                #expect(sender.idleConnectionCount == 0)
                try await until("the connection is closed") { receiver.openConnections == 0 }
            }
        }
    }

    @Test func manyAttemptsAtOnceAllArrive() async throws {
        try await RawReceiver.run(script: { $0.write(okResponse) }) { receiver, port in
            try await withSender { sender in
                let outcomes = await withTaskGroup(of: AttemptOutcome.self) { group in
                    for index in 0..<200 {
                        group.addTask {
                            guard let request = try? request("http://receiver.test:\(port)/\(index)") else {
                                return .failure(AttemptFailure(.urlInvalid))
                            }
                            return await sender.send(request, within: .seconds(20)).outcome
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }

                #expect(outcomes == Array(repeating: .response(statusCode: 200), count: 200))
                #expect(Set(receiver.requests).count == 200)
                #expect(sender.idleConnectionCount <= 64)
            }
        }
    }
}
