import NIOCore
import TestSupport
import Testing

@testable import Delivery

/// Receivers whose body misbehaves after the status line: the status stands, within every bound.
@Suite struct HostileBodyTests {
    @Test func aBodyThatDripsIsCutAtTheDeadline() async throws {
        let result = try await attempt(within: .milliseconds(800)) { peer in
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            peer.drip(["x"], every: .milliseconds(20), forEver: true)
        }

        #expect(result.outcome == .response(statusCode: 200))
        #expect(result.duration >= .milliseconds(799) && result.duration < .seconds(15))
        #expect(!result.responseBody.isEmpty && result.responseBody.count < 1_000)
    }

    @Test func aBodyThatDripsIsCutAfterOneSecond() async throws {
        let result = try await attempt(within: .seconds(30)) { peer in
            peer.write("HTTP/1.1 503 Busy\r\nContent-Length: 100000\r\n\r\n")
            peer.drip(["x"], every: .milliseconds(20), forEver: true)
        }

        #expect(result.outcome == .response(statusCode: 503))
        #expect(result.duration >= .milliseconds(999) && result.duration < .seconds(15))
    }

    @Test func aResetAfterTheHeadChangesNothing() async throws {
        let result = try await attempt(within: .seconds(20)) { peer in
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
            peer.reset()
        }

        #expect(result.outcome == .response(statusCode: 200))
        #expect(result.responseBody == Array("half".utf8))
    }

    @Test func aBodyWithoutEndIsCutAndItsBeginningKept() async throws {
        let result = try await attempt(within: .seconds(30)) { peer in
            peer.write("HTTP/1.1 201 Created\r\n\r\n")
            peer.flood("a")
        }

        #expect(result.outcome == .response(statusCode: 201))
        #expect(result.responseBody == Array(repeating: UInt8(ascii: "a"), count: 16 * 1_024))
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\nshort",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nshort", "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\u{1f}bad",
        "HTTP/1.0 200 OK\r\n\r\nshort",
    ])
    func aBrokenBodyChangesNothingAndCostsTheConnection(response: String) async throws {
        try await RawReceiver.run(script: { peer in
            peer.write(response)
            peer.close()
        }) { _, port in
            try await withSender { sender in
                let result = await sender.send(try request("http://receiver.test:\(port)/"), within: .seconds(20))

                #expect(result.outcome == .response(statusCode: 200))
                try await until("nothing is kept") { sender.idleConnectionCount == 0 }
            }
        }
    }

    @Test func aCompressedBodyIsKeptAsItCame() async throws {
        let result = try await attempt(within: .seconds(20)) { peer in
            peer.write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nwhole")
        }

        #expect(result.responseBody == Array("whole".utf8))
        #expect(result.responseHeader("content-encoding") == "gzip")
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func aRedirectIsAnAnswerAndIsNotFollowed(status: Int) async throws {
        try await RawReceiver.run(script: { $0.write(okResponse) }) { other, otherPort in
            let location = "http://127.0.0.1:\(otherPort)/"
            let result = try await attempt(within: .seconds(20)) { peer in
                peer.write("HTTP/1.1 \(status) Moved\r\nLocation: \(location)\r\nContent-Length: 0\r\n\r\n")
            }

            #expect(result.outcome == .response(statusCode: status))
            #expect(result.responseHeader("location") == location)
            #expect(other.connectionCount == 0)
        }
    }
}
