import TestSupport
import Testing

@testable import Delivery

/// Requests that leave through a proxy; a real one is asked in `WebhookWayOutTests`.
@Suite struct ProxyTests {
    private static func proxy(_ port: Int, exceptions: String = "") throws -> EgressProxy {
        try #require(EgressProxy("http://us%2Fer:p%40ss@127.0.0.1:\(port)", exceptions: exceptions))
    }

    @Test func itIsAskedForATunnelToTheAddressThatWasChecked() async throws {
        try await RawReceiver.run(script: { $0.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!") }) {
            receiver, port in
            try await withSender(proxy: try Self.proxy(port)) { sender in
                let result = await sender.send(try request("https://receiver.test:8443/hook"), within: .seconds(20))

                #expect(result.outcome == .failure(AttemptFailure(.proxyFailed, "the proxy answered 403")))
                #expect(
                    receiver.requests == [
                        """
                        CONNECT 127.0.0.1:8443 HTTP/1.1\r
                        Host: 127.0.0.1:8443\r
                        Proxy-Authorization: Basic dXMvZXI6cEBzcw==\r
                        \r

                        """
                    ])
            }
        }
    }

    @Test(arguments: [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "the proxy asks for other credentials"),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", "the proxy does not speak HTTP/1.1"),
        ("HTTP/1.1 200 OK\r\n\r\nHello", "the proxy sent bytes behind its answer"),
        ("HTTP/1.1 103 Early\r\n\r\nHTTP/1.0 502 Bad\n\n", "the proxy answered 502"),
        ("HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 9_000), "the proxy's answer is too long"),
        ("", "the proxy closed the connection"),
    ])
    func whatItAnswersIsTold(answer: String, detail: String) async throws {
        try await RawReceiver.run(script: { peer in
            peer.write(answer)
            if answer.isEmpty { peer.close() }
        }) { _, port in
            try await withSender(proxy: try Self.proxy(port)) { sender in
                let result = await sender.send(try request("https://receiver.test/hook"), within: .seconds(20))

                #expect(result.outcome == .failure(AttemptFailure(.proxyFailed, detail)))
            }
        }
    }

    @Test(arguments: [(16, "the proxy answered 502"), (17, "the proxy sent more than 16 interim responses")])
    func sixteenInterimResponsesAreSkippedAndTheNextIsTooMany(count: Int, detail: String) async throws {
        let interim = String(repeating: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", count: count)
        try await RawReceiver.run(script: { $0.write(interim + "HTTP/1.1 502 Bad\r\n\r\n") }) { _, port in
            try await withSender(proxy: try Self.proxy(port)) { sender in
                let result = await sender.send(try request("https://receiver.test/hook"), within: .seconds(20))

                #expect(result.outcome == .failure(AttemptFailure(.proxyFailed, detail)))
            }
        }
    }

    @Test func aFloodOfInterimResponsesEnds() async throws {
        try await RawReceiver.run(script: { $0.flood("HTTP/1.1 100 Continue\r\n\r\n") }) { _, port in
            try await withSender(proxy: try Self.proxy(port)) { sender in
                let result = await sender.send(try request("https://receiver.test/hook"), within: .seconds(60))

                #expect(result.failureCode == .proxyFailed)
                #expect(result.duration < .seconds(30))
            }
        }
    }

    @Test func aProxyThatIsSilentIsNotTakenForTLS() async throws {
        try await RawReceiver.run(script: { _ in }) { _, port in
            try await withSender(proxy: try Self.proxy(port)) { sender in
                let result = await sender.send(try request("https://receiver.test/hook"), within: .milliseconds(200))

                #expect(result.failureCode == .proxyFailed)
            }
        }
    }

    @Test func itReadsRequestsWithoutTLSItself() async throws {
        try await RawReceiver.run(script: { $0.write(okResponse) }) { receiver, port in
            try await withSender(proxy: try Self.proxy(port)) { sender in
                let request = try request("http://receiver.test:81/hook?a=1")
                let first = await sender.send(request, within: .seconds(20))
                let second = await sender.send(request, within: .seconds(20))

                #expect([first.outcome, second.outcome] == Array(repeating: .response(statusCode: 200), count: 2))
                #expect(receiver.connectionCount == 1)
                #expect(
                    receiver.requests.first == """
                        POST http://receiver.test:81/hook?a=1 HTTP/1.1\r
                        Host: receiver.test:81\r
                        Proxy-Authorization: Basic dXMvZXI6cEBzcw==\r
                        X-Event-Type: test\r
                        Content-Length: 2\r
                        \r
                        {}
                        """)
            }
        }
    }

    @Test func itsOwn407IsNoAnswerOfTheReceiver() async throws {
        try await RawReceiver.run(script: { $0.write("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n") }) { _, port in
            try await withSender(proxy: try Self.proxy(port)) { sender in
                let result = await sender.send(try request("http://receiver.test/"), within: .seconds(20))
                #expect(result.failureCode == .proxyFailed)
            }
            try await withSender { sender in
                let result = await sender.send(try request("http://receiver.test:\(port)/"), within: .seconds(20))
                #expect(result.outcome == .response(statusCode: 407))
            }
        }
    }

    @Test(arguments: ["http://inside.test/", "https://inside.test/", "https://10.0.0.1/"])
    func itIsNotAskedForWhatThePolicyRefuses(url: String) async throws {
        try await RawReceiver.run(script: { $0.write(okResponse) }) { receiver, port in
            try await withSender(resolver: StubResolver("10.0.0.1"), proxy: try Self.proxy(port)) { sender in
                let result = await sender.send(try request(url), within: .seconds(20))
                #expect(result.failureCode == .addressBlocked)
                #expect(receiver.connectionCount == 0)
            }
        }
    }

    @Test func whereItIsIsNotTold() async throws {
        // Nothing listens on port 1.
        try await withSender(proxy: try Self.proxy(1)) { sender in
            let result = await sender.send(try request("https://receiver.test/"), within: .seconds(20))

            #expect(result.outcome == .failure(AttemptFailure(.proxyFailed, "the proxy cannot be reached")))
        }
    }

    @Test(arguments: [
        ("", "https://a.example.com/", true), ("*", "https://a.example.com/", false),
        ("example.com", "https://a.example.com/", false), (".example.com", "https://example.com/", false),
        ("*.example.com", "https://a.b.EXAMPLE.com./", false), ("ample.com", "https://example.com/", true),
        ("example.com:8080", "https://example.com/", false), ("a, ,example.com", "https://example.com/", false),
        ("10.0.0.0/8", "http://10.1.2.3/", false), ("10.0.0.0/8", "http://11.1.2.3/", true),
        ("10.1.2.3", "http://10.1.2.3:81/", false), ("fd00::/8,::1", "http://[fd00::7]/", false),
        ("10.0.0.0/99", "http://10.1.2.3/", true),
    ])
    func someAreReachedWithoutIt(exceptions: String, url: String, isCarried: Bool) throws {
        #expect(try Self.proxy(1, exceptions: exceptions).carries(CallbackURL(url)) == isCarried)
    }

    @Test(arguments: [
        "proxy:3128", "https://proxy:3128", "socks5://proxy", "http://", "http://proxy:0", "http://proxy/path",
        "http://a@b@proxy", "http://%zz:a@proxy", "http://a%3Ab:c@pro xy", "",
    ])
    func whatIsNoProxyIsRefused(text: String) {
        #expect(EgressProxy(text, exceptions: "") == nil)
    }
}
