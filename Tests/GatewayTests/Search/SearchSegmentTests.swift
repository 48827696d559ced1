import Storage
import Testing
import Timestamps

@testable import Gateway

/// What a segment says of its messages, without a store.
struct SearchSegmentTests {
    private static let texts = [
        "your table for two is booked", "привет мир", "漢字と仮名", "a\(SearchText.mark)b\(SearchText.mark)c", "", "ab",
        "aaaaaaaaaaaaaaaa", "👍👍 thanks", "+12125550188\(SearchText.mark)order-17", "ไม่เป็นไร",
    ]

    @Test func whateverIsInAMessageIsFoundInItsSegment() throws {
        let (segment, ids) = Self.segment(of: Self.texts)
        let parts = Dictionary(uniqueKeysWithValues: segment.encoded().map { ($0.part, $0.data) })
        var count = 0
        for (place, text) in Self.texts.enumerated() {
            for field in text.split(separator: SearchText.mark) {
                let scalars = Array(field.unicodeScalars)
                for start in scalars.indices {
                    for end in start + 1...scalars.count {
                        let needle = String(String.UnicodeScalarView(scalars[start..<end]))
                        guard let numbers = SearchGram.asked(for: needle) else {
                            // Letters say nothing before there are three.
                            #expect(scalars[start..<end].count < 3)
                            continue
                        }
                        count += 1
                        for number in numbers {
                            let part = try #require(parts[SearchSegment.part(of: number)], "\(needle)")
                            #expect(SearchSegment.places(with: number, in: part)?.contains(place) == true, "\(needle)")
                        }
                    }
                }
            }
            let part = try #require(parts[SearchSegment.part(ofPlace: place)])
            #expect(SearchSegment.id(ofPlace: place, in: part) == ids[place])
            #expect(SearchSegment.ids(in: part) == ids)
        }
        #expect(count > 500)
    }

    @Test func aFullSegmentTakesNoMoreAndKeepsItsOrder() throws {
        let texts = (0..<SearchSegment.most + 5).map { $0.isMultiple(of: 3) ? "fizz" : "buzz \($0)" }
        let (segment, ids) = Self.segment(of: texts)
        let parts = Dictionary(uniqueKeysWithValues: segment.encoded().map { ($0.part, $0.data) })

        #expect(segment.ids == Array(ids.prefix(SearchSegment.most)))
        #expect(parts.keys.allSatisfy { (0..<SearchSegment.parts).contains($0) })
        let number = try #require(SearchGram.asked(for: "fiz")?.first)
        let part = try #require(parts[SearchSegment.part(of: number)])
        #expect(SearchSegment.places(with: number, in: part) == Array(stride(from: 0, to: SearchSegment.most, by: 3)))
        let last = SearchSegment.most - 1
        let end = try #require(parts[SearchSegment.part(ofPlace: last)])
        #expect(SearchSegment.id(ofPlace: last, in: end) == ids[last])
    }

    @Test(
        arguments: [
            ("", nil), ("a", nil), ("ab", nil), ("я", nil), ("漢a", nil), ("abc", 1), ("漢", 1), ("漢字", 1), ("👍", 1),
        ]
            as [(String, Int?)])
    func shortTextsAreAskedForOnlyWhereTheyMayBeWords(needle: String, count: Int?) {
        #expect(SearchGram.asked(for: needle)?.count == count)
    }

    @Test func equalRunsAreAskedForOnce() {
        #expect(SearchGram.asked(for: "the quick brown fox jumps over the lazy dog")?.count == 39)
    }

    @Test func theIdsOfOneStatementAreNoMoreThanEnginesTake() {
        let candidates = SearchIndexQueries.padded(Array(0..<SearchCandidates.most + SearchFillQueries.most + 1))
        let others = SearchIndexQueries.padded(Array(0..<SearchFillQueries.most + 1))

        #expect(candidates.count + others.count < 32_000)
        #expect(Set(candidates) == Set(0..<SearchCandidates.most + SearchFillQueries.most + 1))
        #expect(SearchIndexQueries.padded([Int]()) == [])
    }

    @Test func whatCannotBeReadIsNotRead() {
        let number: SearchGram.Number = 0x1234
        let slot = UInt8(0x34)
        #expect(SearchSegment.places(with: number, in: []) == [])
        for bytes in [
            [slot], [slot, 1], [slot, 2, 0x80, 0x80], [slot, 0x80], [slot, 3, 0xff, 0xff, 0x7f], [slot, 9, 1],
        ] {
            #expect(SearchSegment.places(with: number, in: bytes) == nil, "\(bytes)")
        }
        #expect(SearchSegment.id(ofPlace: 5, in: Array("short".utf8)) == nil)
        #expect(SearchSegment.ids(in: [1, 2, 3]) == nil)
    }

    private static func segment(of texts: [String]) -> (SearchSegment, [MessageID]) {
        var segment = SearchSegment()
        let ids = texts.map { _ in MessageID(at: Timestamp(microseconds: 0)) }
        for (id, text) in zip(ids, texts) { segment.add(id, text) }
        return (segment, ids)
    }
}
