import Testing

@testable import Storage

struct SQLiteFailureTests {
    @Test(
        arguments: [
            (1_555, "unique"), (2_067, "unique"), (2_579, "unique"), (787, "statement"), (1_299, "statement"),
            (13, "unavailable"), (10, "unavailable"), (1_034, "unavailable"), (5, "unavailable"), (517, "unavailable"),
            (6, "unavailable"), (7, "unavailable"), (8, "unavailable"), (14, "unavailable"), (9, "unavailable"),
            (11, "corrupt"), (26, "corrupt"), (1, "statement"), (21, "statement"),
        ] as [(Int32, String)])
    func codesHaveTheMeaningThatCallersActOn(code: Int32, meaning: String) {
        #expect(self.meaning(failure(code).storageError) == meaning)
    }

    @Test(
        arguments: [
            (1_034, true), (1_290, true), (10, false), (778, false), (13, false), (0, false),
        ] as [(Int32, Bool)])
    func onlyAFailedFlushPutsEarlierCommitsInDoubt(code: Int32, isLoss: Bool) {
        #expect(failure(code).isLossOfDurability == isLoss)
    }

    @Test func onlyAFullDiskFailsAWholeGroup() {
        #expect(failure(13).isFull)
        #expect(!failure(10).isFull)
    }

    private func failure(_ code: Int32) -> SQLiteFailure {
        SQLiteFailure(code: code, message: "words", sql: "SELECT ?", path: "/x.db")
    }

    private func meaning(_ error: StorageError) -> String {
        switch error {
        case .uniqueViolation: "unique"
        case .unavailable: "unavailable"
        case .tooMany: "too many"
        case .statement: "statement"
        case .corrupt: "corrupt"
        }
    }
}
