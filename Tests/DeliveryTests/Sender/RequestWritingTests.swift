import NIOCore
import TestSupport
import Testing

@testable import Delivery

@Suite struct RequestWritingTests {
    @Test func theRequestArrivesByteForByte() async throws {
        try await RawReceiver.run(script: { $0.write(okResponse) }) { receiver, port in
            try await withSender { sender in
                let headers = [(name: "X-Event-Type", value: "message.sent"), (name: "x-lower", value: "a\tb")]
                _ = await sender.send(
                    try request(
                        "http://Receiver.test:\(port)/hook?a=1#no", headers: headers, body: "{\"a\":\"\u{e9}\"}"),
                    within: .seconds(20))

                #expect(
                    receiver.requests == [
                        "POST /hook?a=1 HTTP/1.1\r\nHost: receiver.test:\(port)\r\nX-Event-Type: message.sent\r\n"
                            + "x-lower: a\tb\r\nContent-Length: 10\r\n\r\n{\"a\":\"\u{e9}\"}"
                    ])
            }
        }
    }

    @Test func aBodyLargerThanEverySocketBufferArrivesWhole() async throws {
        let body = String(repeating: "0123456789", count: 800_000)
        try await RawReceiver.run(script: { $0.write(okResponse) }) { receiver, port in
            try await withSender { sender in
                let result = await sender.send(
                    try request("http://receiver.test:\(port)/", body: body), within: .seconds(60))

                #expect(result.outcome == .response(statusCode: 200))
                #expect(receiver.requests.first?.hasSuffix(body) == true)
            }
        }
    }

    @Test(arguments: [
        ("X-A", "1\r\nX-Evil: 1"), ("X-A", "1\nX-Evil: 1"), ("X-A", "1\r"), ("X-A", "\u{0}"), ("X-A", "\u{7f}"),
        ("X-A", "\u{e9}"),
        ("X-A\r\nX-Evil", "1"), ("X-A: 1\r\nX-Evil", "1"), ("", "1"), ("X A", "1"), ("X-\u{e9}", "1"), ("X-A:", "1"),
        ("Host", "evil"), ("content-length", "0"), ("Transfer-Encoding", "chunked"), ("Connection", "close"),
        ("UPGRADE", "h2c"), ("Expect", "100-continue"), ("TE", "trailers"), ("Trailer", "X"),
    ])
    func aHeaderThatCouldBreakOutIsRefusedBeforeAnyDial(name: String, value: String) async throws {
        try await RawReceiver.run(script: { $0.write(okResponse) }) { receiver, port in
            try await withSender { sender in
                let request = try request("http://receiver.test:\(port)/", headers: [(name: name, value: value)])
                let result = await sender.send(request, within: .seconds(20))

                #expect(result.failureCode == .headerInvalid)
                #expect(receiver.connectionCount == 0)
            }
        }
    }

    @Test func everyReservedNameIsRefusedHoweverItIsWritten() async throws {
        for name in RequestHead.reservedNames.flatMap({
            [$0, $0.uppercased(), $0.prefix(1).uppercased() + $0.dropFirst()]
        }) {
            var buffer = ByteBuffer()
            let error = #expect(throws: AttemptFailure.self) {
                try RequestHead.write(
                    request("http://receiver.test/", headers: [(name: name, value: "1")]), to: &buffer)
            }
            #expect(error?.code == .headerInvalid)
        }
    }

    @Test func everyFailureCodeIsALabelWithAHint() {
        for code in AttemptFailure.Code.allCases {
            #expect(code.rawValue.allSatisfy { $0.isLowercase || $0 == "_" })
            #expect(code.hint.hasSuffix(".") && code.hint.count > 20)
        }
        #expect(Set(AttemptFailure.Code.allCases.map(\.hint)).count == AttemptFailure.Code.allCases.count)
    }
}
