import Foundation
import JSON
import TestSupport
import Testing

@testable import Agents
@testable import Client

/// What agents are read and shown, without a server.
@Suite(.onOneEngine) struct AgentTests {
    @Test func aLineThatIsTooLongIsLeftOutToItsEnd() {
        var lines = AgentLines()
        let long = [UInt8](repeating: 0x61, count: AgentLines.longest)

        #expect(lines.add(long + Array("\n".utf8)) == [.complete(long)])
        #expect(lines.add(long) == [])
        #expect(lines.add([0x61]) == [])
        #expect(lines.add(long) == [])
        #expect(lines.add(Array("\n{}\r\n \n{".utf8)) == [.tooLong, .complete(Array("{}\r".utf8))])
        #expect(lines.end() == .complete([0x7B]))
        #expect(lines.end() == nil)
    }

    @Test(
        arguments: [
            ("{", -32_700), ("\u{FF}", -32_700), (String(repeating: "[", count: 1_000), -32_700), ("[]", -32_600),
            ("1", -32_600), ("{}", -32_600), (#"{"jsonrpc":"2.0","method":1}"#, -32_600),
            (#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32_600),
            (#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32_600),
            (#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32_600),
            (#"{"jsonrpc":"2.0","id":"\#(String(repeating: "i", count: 255))","method":"ping"}"#, -32_600),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#, -32_602),
            // More than a decoder is given, here as over HTTP.
            ("[" + String(repeating: "0,", count: 10_000) + "0]", -32_700),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":\#(String(repeating: "[", count: 64))"#, -32_700),
        ])
    func whatIsNoMessageIsRefused(line: String, code: Int) {
        let fault = #expect(throws: AgentMessage.Fault.self) { try AgentMessage.read(Array(line.utf8)) }
        #expect(fault?.code.rawValue == code, "\(line.prefix(80))")
    }

    @Test(arguments: [
        #""\u0000""#, #""a\u0000""#, #""\ud800""#, "\"e" + String(repeating: "\u{301}", count: 31) + "\"",
    ]) func anIDThatCannotBeGivenBackAsItCameIsRefusedWithoutOne(id: String) {
        for member in ["\"id\"", #""\u0069d""#] {
            let line = #"{"jsonrpc":"2.0",\#(member):\#(id),"method":"ping"}"#
            let fault = #expect(throws: AgentMessage.Fault.self) { try AgentMessage.read(Array(line.utf8)) }
            #expect(fault?.code == .invalidRequest)
            #expect(fault?.id == nil)
        }
    }

    @Test func anIDIsGivenBackThoughSomethingElseIsReplaced() throws {
        let line = #"{"jsonrpc":"2.0","id":"\uFFFD\n","method":"ping","params":{"a":"\u0000"}}"#
        let message = try AgentMessage.read(Array(line.utf8))
        #expect(message?.id == Array(#""\uFFFD\n""#.utf8))
        #expect(message?.parameters.string("a") == "\u{FFFD}")
    }

    /// Two strings are compared in the square of the marks in a row, so there are never many.
    @Test func noNameAndNoTextOfAMessageHasALongRunOfMarks() throws {
        let marks = String(repeating: "\u{316}\u{301}", count: 10_000)
        let line =
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"e\(marks)\",\"params\":{\"e\(marks)\":1,\"e\(marks)\":2}}"
        let message = try #require(try AgentMessage.read(Array(line.utf8)))
        #expect(!StreamSafeText.isNeeded(for: message.method))
        #expect(message.parameters.names.map { StreamSafeText.isNeeded(for: $0) } == [false])
    }

    @Test func anAnswerOfAnotherProgramIsReadWithoutLongRunsOfMarks() throws {
        let marks = String(repeating: "\u{316}\u{301}", count: 10_000)
        let values = Array(repeating: "0", count: 20_000).joined(separator: ",")
        let json = Array("{\"e\(marks)\":\"e\(marks)\"}".utf8)
        let read = try JSONDecoder().decode([String: String].self, fromAnswer: json)
        #expect(read.map { StreamSafeText.isNeeded(for: $0.key) || StreamSafeText.isNeeded(for: $0.value) } == [false])
        // A list that was asked for is as long as it is.
        let numbers = try JSONDecoder().decode([Int].self, fromAnswer: Array("[\(values)]".utf8))
        #expect(numbers.count == 20_000)
    }

    @Test func anAnswerIsNoMessage() throws {
        #expect(try AgentMessage.read(Array(#"{"jsonrpc":"2.0","id":1,"result":{}}"#.utf8)) == nil)
    }

    @Test func charactersThatNobodySeesAreNotShown() {
        let tags = String(String.UnicodeScalarView("ignore".unicodeScalars.compactMap { .init($0.value + 0xE0000) }))
        let family = "\u{1F468}\u{200D}\u{1F469}"

        let shown = "Hi\(tags) \u{202E}\u{7}you\u{FE00}\u{E0101}\r\n\(family) \u{2764}\u{FE0F}".visible(limit: 100)

        #expect(shown == "Hi you\n\(family) \u{2764}\u{FE0F}")
        #expect("abcdef".visible(limit: 6) == "abcdef")
        #expect("abcdefg".visible(limit: 6) == "abcdef [cut]")
    }

    @Test func anHourHasAsManySMSAsItMayHave() throws {
        let budget = AgentBudget(AgentLimits(mostInAnHour: 5))
        let start = ContinuousClock.now
        try budget.take(3, at: start)
        try budget.take(2, at: start + .seconds(1_800))

        #expect(throws: AgentFault.self) { try budget.take(1, at: start + .seconds(3_599)) }
        try budget.take(3, at: start + .seconds(3_600))
        #expect(throws: AgentFault.self) { try budget.take(1, at: start + .seconds(3_600)) }
        #expect(throws: AgentFault.self) { try budget.take(Int.max, at: start + .seconds(9_000)) }
    }

    @Test func anHourIsThatOfEachKeyAndTenThousandKeysAreNoWayAround() throws {
        let budget = AgentBudget(AgentLimits(mostInAnHour: 5))
        let start = ContinuousClock.now
        func holder(_ account: Int, _ key: Int) -> AgentBudget.Holder {
            AgentBudget.Holder(account: "account \(account)", key: "key \(key)")
        }
        try budget.take(5, for: holder(1, 1), at: start)
        #expect(throws: AgentFault.self) { try budget.take(1, for: holder(1, 1), at: start) }
        try budget.take(5, for: holder(1, 2), at: start)

        // Keys that are made, used and deleted over and over.
        let taken = (3...10_000).count { key in (try? budget.take(1, for: holder(1, key), at: start)) != nil }
        #expect(taken == AgentBudget.mostKeys - 2 && budget.keyCount == AgentBudget.mostKeys)
        // Nobody else is refused for it, and what is over is forgotten, also of those who never come again.
        for account in 2...1_000 { try budget.take(5, for: holder(account, 1), at: start + .seconds(60)) }
        #expect(budget.keyCount == AgentBudget.mostKeys + 999)
        try budget.take(1, for: holder(2, 2), at: start + .seconds(3_661))
        #expect(budget.keyCount == 1)
        try budget.take(5, for: holder(1, 1), at: start + .seconds(3_661))
    }
}
