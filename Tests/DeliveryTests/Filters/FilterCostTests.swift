import Testing

@testable import Delivery

/// What the largest filters cost: accounts choose them and the texts, and the writes of everybody wait meanwhile.
struct FilterCostTests {
    /// The largest that is taken in. Of each list the last one fits an event of letters `a`, and the pattern nothing.
    private func largest() -> PreparedFilter {
        var filter = EventFilter()
        filter.contacts = (0..<99).map { "*" + String(repeating: "a", count: 60) + "\($0)" } + ["*"]
        filter.contains = (0..<18).map { String(repeating: "🇩🇪", count: 49) + "\($0)" } + ["🇩🇪🇩🇪", "aaa"]
        filter.words = (0..<99).map { String(repeating: "a", count: 60) + "\($0)" } + ["word"]
        filter.pattern = "(a?){31}(.?){32}!"
        return PreparedFilter(filter)
    }

    private func event(_ unit: String, _ count: Int) -> EventSubject {
        let content = String(repeating: unit, count: count) + " word"
        let contact = String(repeating: "a", count: 255)
        return EventSubject(body: Array(#"{"data":{"contact":"\#(contact)","content":"\#(content)"}}"#.utf8))
    }

    @Test(arguments: ["🇩", "🇩🇪", "a", "ab", "a\u{301}", "x\u{301}", "👨‍👩‍👧", "가"])
    func noFilterCostsMoreThanItsShareOfTheText(unit: String) throws {
        for count in [1_000, 2_000, 4_000] {
            let subject = event(unit, count)
            let text = try #require(subject.text)

            _ = largest().reason(against: subject)

            // 20 parts, each byte twice; the edges of characters and the words once; a pattern of 64 places; 100 contacts and words.
            let most = (20 * 2 + 2) * text.utf8.count + 97 * text.unicodeScalars.count + 100 * 255 + 100
            #expect(subject.steps <= most)
            #expect(subject.steps < 1_200_000)
        }
    }

    @Test func anEventIsFoldedOnceForAllFilters() throws {
        let (filter, subject) = (largest(), event("a", 1_000))
        #expect(filter.reason(against: subject) == .patternNotMatched)
        let first = subject.steps

        for _ in 1..<10 { _ = filter.reason(against: subject) }

        let folding = 2 * (try #require(subject.text?.utf8.count))
        #expect(subject.steps == folding + 10 * (first - folding))
    }
}
