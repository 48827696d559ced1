import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import Delivery

/// Receivers that stall, break off or talk nonsense before the status is known.
@Suite struct HostileReceiverTests {
    /// A lost deadline would never end, or end at a limit of 60 s; a busy machine alone costs seconds.
    private let slack = Duration.seconds(15)

    @Test func silenceAfterAcceptEndsAtTheDeadline() async throws {
        let result = try await attempt { _ in }

        #expect(result.failureCode == .timeout)
        #expect(result.duration >= .milliseconds(299) && result.duration < .milliseconds(300) + slack)
    }

    @Test func aHeadThatDripsEndsAtTheDeadline() async throws {
        let result = try await attempt { peer in
            peer.drip(["HTTP/1.1 503 Busy\r\n", "X-Drip: 1\r\n"], every: .milliseconds(20), forEver: true)
        }

        #expect(result.failureCode == .timeout)
        #expect(result.duration < .milliseconds(300) + slack)
    }

    @Test func closingWithoutAnAnswerIsAFailure() async throws {
        let result = try await attempt(within: .seconds(20)) { $0.close() }

        #expect(result.failureCode == .connectionClosed)
        #expect(result.address == IPAddress("127.0.0.1"))
    }

    @Test func resettingWithoutAnAnswerIsAFailure() async throws {
        #expect(try await attempt(within: .seconds(20)) { $0.reset() }.failureCode == .connectionClosed)
    }

    @Test func closingInTheMiddleOfTheHeadIsAFailure() async throws {
        let result = try await attempt(within: .seconds(20)) { peer in
            peer.write("HTTP/1.1 500 Oops\r\nX-Half")
            peer.close()
        }

        #expect(result.failureCode == .connectionClosed)
    }

    @Test(arguments: [
        "garbage\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "\u{16}\u{3}\u{1}\u{0}", "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1200 OK\r\n\r\n",
        "HTTP/1.2 200 OK\r\n\r\n", "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 500 Oops\r\nno colon\r\n\r\n", "HTTP/1.1 404 OK\r\n: no name\r\n\r\n",
        "HTTP/1.1 199 OK\r\n folded: first\r\n\r\n",
    ])
    func garbageIsRefusedAtOnce(bytes: String) async throws {
        let result = try await attempt(within: .seconds(60)) { $0.write(bytes) }

        #expect(result.failureCode == .invalidResponse)
        #expect(result.duration < .seconds(30))
    }

    @Test func switchingProtocolsIsRefused() async throws {
        let result = try await attempt(within: .seconds(20)) { peer in
            peer.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
        }

        #expect(result.failureCode == .invalidResponse)
    }

    @Test func sixteenInterimResponsesAreSkippedAndTheNextIsTooMany() async throws {
        let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"

        let few = try await attempt(within: .seconds(20)) {
            $0.write(String(repeating: interim, count: 16) + okResponse)
        }
        let many = try await attempt(within: .seconds(20)) {
            $0.write(String(repeating: interim, count: 17) + okResponse)
        }

        #expect(few.outcome == .response(statusCode: 200))
        #expect(few.responseHeader("Link") == nil)
        #expect(many.failureCode == .invalidResponse)
    }

    @Test func aFloodOfInterimResponsesEnds() async throws {
        let result = try await attempt(within: .seconds(60)) { $0.flood("HTTP/1.1 100 Continue\r\n\r\n") }

        #expect(result.failureCode == .invalidResponse)
        #expect(result.duration < .seconds(30))
    }

    @Test func aHundredHeadersAreReadAndOneMoreIsTooMany() async throws {
        let header = "X-Header: 1\r\n"
        let response = { @Sendable (count: Int) in
            "HTTP/1.1 500 Oops\r\n" + String(repeating: header, count: count - 1) + "Content-Length: 0\r\n\r\n"
        }

        let most = try await attempt(within: .seconds(20)) { $0.write(response(100)) }
        let tooMany = try await attempt(within: .seconds(20)) { $0.write(response(101)) }

        #expect(most.responseHeaders.count == 100)
        #expect(tooMany.failureCode == .responseTooLarge)
    }

    @Test(arguments: [
        "HTTP/1.1 200 ", "HTTP/1.1 500 Oops\r\nX-Giant: ", "HTTP/1.1 500 Oops\r\nX-A: 1\r\n ",
        "HTTP/1.1 103 X\r\nX-Giant: ",
    ])
    func aHeadWithoutEndIsCutAt32KiB(start: String) async throws {
        let result = try await attempt(within: .seconds(60)) { peer in
            peer.write(start)
            peer.flood("a")
        }

        #expect(result.failureCode == .responseTooLarge)
        #expect(result.duration < .seconds(30))
    }

    /// The receiver has said that it processed the event: no fault after that may have it sent again.
    @Test(
        arguments: [
            "HTTP/1.1 200 OK\r\n", "HTTP/1.1 202 Accepted\r\nX-Half", "HTTP/1.1 204 No Content\nX: 1\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
            "HTTP/1.1 200 OK\r\n folded: first\r\n\r\n", "HTTP/1.0 200 OK\r\n\u{0}\r\n",
            "HTTP/1.1 200 OK\r\n" + String(repeating: "Set-Cookie: a=b\r\n", count: 120) + "\r\n",
            "HTTP/1.1 200 OK\r\nX-Giant: " + String(repeating: "a", count: 40_000) + "\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 299 Odd\r\nbroken\r\n",
            "HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n",
        ], [true, false])
    func aStatusLineOf2xxDecidesWhateverFollows(bytes: String, resets: Bool) async throws {
        try await RawReceiver.run(script: { peer in
            peer.channel.writeAndFlush(ByteBuffer(string: bytes)).whenComplete { _ in
                // A reset may overtake bytes that were not read yet; that it does not here is no promise of TCP.
                peer.channel.eventLoop.scheduleTask(in: .milliseconds(50)) { resets ? peer.reset() : peer.close() }
            }
        }) { _, port in
            try await withSender { sender in
                let result = await sender.send(try request("http://receiver.test:\(port)/"), within: .seconds(20))

                #expect((200..<300).contains(result.outcome.statusCode ?? 0), "\(result.outcome)")
                #expect(sender.idleConnectionCount == 0)
            }
        }
    }

    @Test func headersThatDripAfterA2xxEndAfterASecond() async throws {
        let result = try await attempt(within: .seconds(60)) { peer in
            peer.drip(["HTTP/1.1 200 OK\r\n", "X-Drip: 1\r\n"], every: .milliseconds(20), forEver: true)
        }

        #expect(result.outcome == .response(statusCode: 200))
        #expect(result.duration < .seconds(30))
    }

    @Test func aDeadlineAfterTheStatusLineOfA2xxChangesNothing() async throws {
        let result = try await attempt(within: .milliseconds(500)) { $0.write("HTTP/1.1 200 OK\r\n") }

        #expect(result.outcome == .response(statusCode: 200))
    }

    @Test func aByteASecondIsNoAnswer() async throws {
        let result = try await attempt(within: .milliseconds(500)) { peer in
            peer.drip("HTTP/1.1 200 OK\r\n\r\n".map(String.init), every: .seconds(1))
        }

        #expect(result.failureCode == .timeout)
    }

    @Test func aRefusedPortIsAFailure() async throws {
        // A port that was free a moment ago: bound, read and closed again.
        let port = try await RawReceiver.run(host: "127.0.0.3", script: { _ in }) { _, port in port }
        let result = try await withSender { sender in
            await sender.send(try request("http://127.0.0.3:\(port)/"), within: .seconds(20))
        }

        #expect(result.failureCode == .connectFailed)
        #expect(
            result.outcome == .failure(AttemptFailure(.connectFailed, "127.0.0.3 port \(port): Connection refused")))
        #expect(result.address == nil)
    }

    @Test func aServerThatSpeaksFirstIsJudgedByWhatItSays() async throws {
        let result = try await attempt(within: .seconds(20), answersConnections: true) {
            $0.write("220 mail ESMTP\r\n")
        }

        #expect(result.failureCode == .invalidResponse)
    }

    @Test func cancellationEndsTheAttempt() async throws {
        try await RawReceiver.run(script: { _ in }) { receiver, port in
            try await withSender { sender in
                let request = try request("http://receiver.test:\(port)/")
                let task = Task { await sender.send(request, within: .seconds(60)) }
                try await until("the request arrives") { !receiver.requests.isEmpty }

                task.cancel()
                let result = await task.value

                #expect(result.failureCode == .cancelled)
                #expect(result.isWritten, "the receiver has read it")
                #expect(result.duration < .seconds(30))
                try await until("the connection is closed") { receiver.openConnections == 0 }
            }
        }
    }

    /// It is not written before the handshake is over, which never is.
    @Test func whatIsCancelledBeforeItsRequestIsNotWritten() async throws {
        try await RawReceiver.run(script: { _ in }) { receiver, port in
            try await withSender { sender in
                let request = try request("https://receiver.test:\(port)/")
                let task = Task { await sender.send(request, within: .seconds(60)) }
                try await until("the handshake begins") { receiver.connectionCount == 1 }

                task.cancel()
                let result = await task.value

                #expect(result.failureCode == .cancelled)
                #expect(!result.isWritten)
            }
        }
    }

    @Test func aTaskThatIsCancelledBeforeItBeginsDialsNothing() async throws {
        try await RawReceiver.run(script: { $0.write(okResponse) }) { receiver, port in
            try await withSender { sender in
                let request = try request("http://receiver.test:\(port)/")
                let result = await Task {
                    withUnsafeCurrentTask { $0?.cancel() }
                    return await sender.send(request, within: .seconds(20))
                }.value

                #expect(result.failureCode == .cancelled)
                #expect(receiver.connectionCount == 0)
            }
        }
    }
}
