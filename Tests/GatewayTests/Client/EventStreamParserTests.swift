import TestSupport
import Testing

@testable import Client

@Suite(.onOneEngine) struct EventStreamParserTests {
    private static let stream = """
        : open at 41

        id: 42
        event: message.phone.sent
        data: {"a":"é"}

        :

        data: one\r
        data:two\r
        \r
        id: 43

        data: {"cut
        """

    @Test(arguments: [1, 2, 3, 7, 1_000])
    func whatIsFoundDoesNotDependOnHowItArrives(_ size: Int) throws {
        var parser = EventStreamParser()
        var found: [EventStreamParser.Found] = []
        var rest = Array(Self.stream.utf8)[...]

        while !rest.isEmpty {
            found += try parser.parse(rest.prefix(size))
            rest = rest.dropFirst(size)
        }

        #expect(found == [.opened(41), .event(Array(#"{"a":"é"}"#.utf8)), .event(Array("one\ntwo".utf8))])
    }

    @Test func aLineWithoutAnEndIsRefused() throws {
        var parser = EventStreamParser()

        #expect(throws: ClientFailure.self) { try parser.parse([UInt8](repeating: 0x61, count: 1 << 20 + 1)) }
    }
}
