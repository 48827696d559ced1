import Foundation
import TestSupport
import Testing
import Timestamps

@testable import Modem

@Suite(.onOneEngine) struct ModemLedgerTests {
    private static let id = "0199f0b1-2f44-7c0a-8d1c-6f2f4a1f3c55"
    private static let other = "0199f0b1-2f44-7c0a-8d1c-6f2f4a1f3c56"

    /// A ledger on an empty folder, read afresh at each step as after a crash.
    private struct Bench {
        let folder: ModemFolder
        let clock = AdjustableClock()

        var ledger: ModemLedger { ModemLedger(folder, clock: clock) { _ in } }

        func offer(_ id: String = ModemLedgerTests.id, to: String = "+18005550100", for time: Duration = .seconds(600))
            -> ModemOffer
        {
            ModemOffer(id: id, to: to, text: "Hi", validUntil: clock.now() + time)
        }

        func message(_ id: String = ModemLedgerTests.id) throws -> ModemMessage {
            let bytes = try #require(folder.read(id + ".json", in: .messages))
            return try JSONDecoder().decode(ModemMessage.self, from: Data(bytes))
        }

        func outbox() -> [String] { folder.names(in: .outbox) }

        func log(_ lines: String) throws {
            try lines.write(toFile: folder.log, atomically: true, encoding: .utf8)
        }
    }

    private func withBench(_ body: (Bench) async throws -> Void) async throws {
        try await withTemporaryDirectory { path in
            let folder = ModemFolder(path + "/modem")
            try folder.make()
            try await body(Bench(folder: folder))
        }
    }

    @Test func oneIsHandedOverAtATimeAndOnceOnly() async throws {
        try await withBench { bench in
            try await bench.ledger.accept([bench.offer(), bench.offer(Self.other)])
            for _ in 0..<3 {
                let ledger = bench.ledger
                try await ledger.accept([bench.offer(), bench.offer(Self.other)])
                try await ledger.settle()
            }
            #expect(bench.outbox() == [try bench.message().fileName])

            _ = try bench.folder.move(bench.message().fileName, from: .outbox, to: .sent)
            try await bench.ledger.settle()

            #expect(try bench.message().state == .sent)
            #expect(try bench.message().text.isEmpty)
            #expect(bench.folder.names(in: .sent).isEmpty)
            #expect(bench.outbox() == [try bench.message(Self.other).fileName])
        }
    }

    /// A crash between the note that it is handed over and the file.
    @Test func whatWasNeverHandedOverIs() async throws {
        try await withBench { bench in
            try await bench.ledger.accept([bench.offer()])
            try await bench.ledger.settle()
            try bench.folder.remove(bench.message().fileName, from: .outbox)

            try await bench.ledger.settle()

            #expect(bench.outbox().count == 1)
        }
    }

    @Test func whatGammuCouldNotSendFails() async throws {
        try await withBench { bench in
            try await bench.ledger.accept([bench.offer()])
            try await bench.ledger.settle()
            _ = try bench.folder.move(bench.message().fileName, from: .outbox, to: .error)
            try await bench.ledger.settle()
            #expect(try bench.message().state == .failed)
            #expect(bench.outbox().isEmpty && bench.folder.names(in: .error).isEmpty)
        }
    }

    /// It was sent, but its file could not be moved where it belongs.
    @Test func whatTheLogKnowsAsTakenIsSentWhereverItsFileIs() async throws {
        try await withBench { bench in
            try await bench.ledger.accept([bench.offer()])
            try await bench.ledger.settle()
            let name = try bench.message().fileName
            try bench.log(
                "x: New message to send: \(name)\nTransmitted \(name) (total: 1) to +1, message reference 0x07\n")
            _ = try bench.folder.move(name, from: .outbox, to: .error)
            try await bench.ledger.settle()
            #expect(try bench.message().state == .sent)
            #expect(try bench.message().references == [7])
        }
    }

    @Test func whatIsLateIsTakenBackAndFails() async throws {
        try await withBench { bench in
            try await bench.ledger.accept([bench.offer()])
            try await bench.ledger.settle()
            bench.clock.advance(by: .seconds(601))
            try await bench.ledger.settle()
            #expect(bench.outbox().isEmpty)
            // It may have been opened a moment before.
            #expect(try bench.message().state == .processed)
            bench.clock.advance(by: .seconds(6))
            try await bench.ledger.settle()
            #expect(try bench.message().state == .failed)
            #expect(try bench.message().error == "TTL expired")
        }
    }

    @Test func whatWasTakenBackAMomentTooLateIsSent() async throws {
        try await withBench { bench in
            try await bench.ledger.accept([bench.offer()])
            try await bench.ledger.settle()
            bench.clock.advance(by: .seconds(601))
            try await bench.ledger.settle()
            let name = try bench.message().fileName
            try bench.log("x: New message to send: \(name)\n")
            bench.clock.advance(by: .seconds(6))
            try await bench.ledger.settle()
            #expect(try bench.message().state == .processed)
            try bench.log(
                "x: New message to send: \(name)\nTransmitted \(name) (total: 1) to +1, message reference 0x07\n")
            try await bench.ledger.settle()
            #expect(try bench.message().state == .sent)
        }
    }

    @Test func aQuestionIsAnsweredAndNotSent() async throws {
        try await withBench { bench in
            let question = ModemOffer(id: Self.id, to: "+18005550100", text: "Hi", validUntil: Timestamp(seconds: 0))
            try await bench.ledger.accept([question])
            try await bench.ledger.settle()
            #expect(bench.outbox().isEmpty)
            #expect(try bench.message().error == "TTL expired")
            let news = await bench.ledger.unreported(limit: 10)
            try await bench.ledger.reported(news)
            #expect(await bench.ledger.unreported(limit: 10).isEmpty)
            // Asked again it says so again.
            try await bench.ledger.accept([question])
            #expect(await bench.ledger.unreported(limit: 10).map(\.state) == [.failed])
        }
    }

    @Test func whatIsLongOverIsForgotten() async throws {
        try await withBench { bench in
            try await bench.ledger.accept([bench.offer(to: "Bank"), bench.offer(Self.other, to: "Bank")])
            let ledger = bench.ledger
            let first = await ledger.unreported(limit: 1)
            try await ledger.reported(first)
            bench.clock.advance(by: .seconds(8 * 86_400))
            try await bench.ledger.settle()
            // What was not told is kept for longer.
            #expect(bench.folder.names(in: .messages) == [Self.other + ".json"])
            bench.clock.advance(by: .seconds(30 * 86_400))
            try await bench.ledger.settle()
            #expect(bench.folder.names(in: .messages).isEmpty)
        }
    }

    @Test func aReportTellsOfTheNewestWithItsNumber() async throws {
        try await withBench { bench in
            for id in [Self.id, Self.other] {
                try await bench.ledger.accept([bench.offer(id)])
                try await bench.ledger.settle()
                let name = try bench.message(id).fileName
                try bench.log("Transmitted \(name) (total: 1) to +1, message reference 0x07\n")
                _ = try bench.folder.move(name, from: .outbox, to: .sent)
                try await bench.ledger.settle()
            }
            let file = """
                [SMSBackup000]
                PDU = Status_Report
                Number = "08005550100"
                Text00 = 00440065006C006900760065007200650064
                MessageReference = 7

                """
            let report = try #require(SMSBackup(file))
            #expect(try await bench.ledger.delivered(report))
            #expect(try bench.message(Self.other).state == .delivered)
            #expect(try bench.message().state == .sent)
            #expect(try await bench.ledger.delivered(report))
            #expect(try bench.message().state == .delivered)
            #expect(try await bench.ledger.delivered(report) == false)
        }
    }

    @Test func whatIsCancelledInTimeIsNotSent() async throws {
        try await withBench { bench in
            try await bench.ledger.accept([bench.offer()])
            try await bench.ledger.cancel(Self.id)
            try await bench.ledger.settle()
            #expect(bench.outbox().isEmpty)
            #expect(try bench.message().state == .cancelled)
        }
    }

    @Test(arguments: ["Bank", "", "+", "+1/../x", String(repeating: "1", count: 21), "1_2"])
    func whatIsNoNumberFails(contact: String) async throws {
        try await withBench { bench in
            try await bench.ledger.accept([bench.offer(to: contact)])
            try await bench.ledger.settle()
            #expect(try bench.message().state == .failed)
            for name in bench.outbox() { #expect(!name.contains("/") && !name.contains("..")) }
        }
    }

    @Test(arguments: ["../../etc/passwd", "", "a b", "x", String(repeating: "a", count: 65)])
    func anIDThatIsNoFileNameIsLeftAlone(id: String) async throws {
        try await withBench { bench in
            try await bench.ledger.accept([bench.offer(id)])
            try await bench.ledger.settle()
            #expect(bench.outbox().isEmpty && bench.folder.names(in: .messages).isEmpty)
        }
    }

    @Test func preparationTakesOutWhatWasBegunOnly() async throws {
        try await withBench { bench in
            let names = ["a1", "a2", "a3"].map { "\(ModemMessage.prefix)+1_\($0).txtd" }
            for name in names + ["OUTforeign.txt"] { try bench.folder.write([], as: name, in: .outbox) }
            try bench.log(
                "x: New message to send: \(names[0])\nx: New message to send: \(names[1])\n"
                    + "Transmitted \(names[1]) (total: 1) to +1, message reference 0x07\n")

            _ = try ModemPreparation.run(bench.folder)

            #expect(bench.folder.names(in: .unsure) == [names[0]])
            #expect(bench.folder.names(in: .sent) == [names[1]])
            #expect(bench.outbox() == [names[2], "OUTforeign.txt"])
        }
    }
}
