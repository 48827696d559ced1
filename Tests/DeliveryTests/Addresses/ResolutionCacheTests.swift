import NIOCore
import Testing

@testable import Delivery

@Suite struct ResolutionCacheTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private let address = IPAddress(v4: 1)

    @Test func anAnswerLivesThirtySeconds() {
        var cache = ResolutionCache()

        cache.store(.success([address]), for: "a", at: start)

        #expect(cache.answer(for: "a", at: start + .milliseconds(29_999)) == .success([address]))
        #expect(cache.answer(for: "a", at: start + .seconds(30)) == nil)
        #expect(cache.answer(for: "b", at: start) == nil)
    }

    @Test func aFailureLivesFiveSeconds() {
        var cache = ResolutionCache()

        cache.store(.failure(.notFound), for: "a", at: start)

        #expect(cache.answer(for: "a", at: start + .milliseconds(4_999)) == .failure(.notFound))
        #expect(cache.answer(for: "a", at: start + .seconds(5)) == nil)
    }

    @Test func aFullCacheDropsWhatExpiresFirst() {
        var cache = ResolutionCache(capacity: 2)

        cache.store(.success([address]), for: "old", at: start)
        cache.store(.success([address]), for: "new", at: start + .seconds(1))
        cache.store(.success([address]), for: "newest", at: start + .seconds(2))

        #expect(cache.count == 2)
        #expect(cache.answer(for: "old", at: start + .seconds(2)) == nil)
        #expect(cache.answer(for: "new", at: start + .seconds(2)) != nil)
        #expect(cache.answer(for: "newest", at: start + .seconds(2)) != nil)
    }
}
