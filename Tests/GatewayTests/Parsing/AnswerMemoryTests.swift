import Testing

@testable import Gateway

/// What large answers take of memory while clients read them.
@Suite struct AnswerMemoryTests {
    @Test func whatIsTakenIsGivenBackWithTheLastWhoHasIt() throws {
        let memory = AnswerMemory(limit: 1_000)
        do {
            let first = try memory.share(400, for: "a")
            let same = first
            #expect(memory.inUse == 400)
            withExtendedLifetime((first, same)) {}
        }
        #expect(memory.inUse == 0)
    }

    @Test func oneClientHasHalfAndAllTogetherHaveTheLimit() throws {
        let memory = AnswerMemory(limit: 1_000)
        var shares = [try memory.share(300, for: "a")]

        #expect(throws: ServerBusy.self) { try memory.share(300, for: "a") }
        shares.append(try memory.share(200, for: "a"))
        shares.append(try memory.share(400, for: "b"))
        #expect(throws: ServerBusy.self) { try memory.share(101, for: "c") }
        shares.append(try memory.share(100, for: "c"))
        #expect(memory.inUse == 1_000)

        shares.removeFirst()
        #expect(try memory.share(300, for: "a") as AnyObject !== shares[0])
        shares = []
        #expect(memory.inUse == 0)
    }

    /// A list that is larger than the limit can be read, by one client at a time.
    @Test func oneThatIsLargerPassesAlone() throws {
        let memory = AnswerMemory(limit: 1_000)
        var large: AnswerMemory.Share? = try memory.share(5_000, for: "a")

        #expect(throws: ServerBusy.self) { try memory.share(1, for: "b") }
        #expect(large != nil)
        large = nil
        #expect(memory.inUse == 0)
    }
}
