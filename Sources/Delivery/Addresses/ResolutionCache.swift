import NIOCore

/// Answers of the resolver, each with its end of life; bounded.
///
/// The cache is a value and the present is an argument, so that ageing needs no waiting in tests.
struct ResolutionCache: Sendable {
    typealias Answer = Result<[IPAddress], ResolutionError>

    /// 30 s: short against a move of the receiver, long against a burst of events.
    static let positiveLifetime = TimeAmount.seconds(30)

    /// 5 s: a dead name must not occupy a resolver thread for each of its events.
    static let negativeLifetime = TimeAmount.seconds(5)

    /// 4,096 names, about 1 MiB; more endpoints than that only lose the benefit.
    static let defaultCapacity = 4_096

    private let capacity: Int
    private var entries: [String: (answer: Answer, expiry: NIODeadline)] = [:]

    init(capacity: Int = Self.defaultCapacity) {
        self.capacity = capacity
    }

    /// The number of answers held, expired ones included until they are evicted.
    var count: Int { entries.count }

    /// The answer for a host while it is fresh.
    func answer(for host: String, at now: NIODeadline) -> Answer? {
        guard let entry = entries[host], entry.expiry > now else { return nil }
        return entry.answer
    }

    /// Keeps an answer; makes room by dropping what has expired, then what expires first.
    mutating func store(_ answer: Answer, for host: String, at now: NIODeadline) {
        if entries.count >= capacity, entries[host] == nil {
            entries = entries.filter { $0.value.expiry > now }
            if entries.count >= capacity, let first = entries.min(by: { $0.value.expiry < $1.value.expiry }) {
                entries[first.key] = nil
            }
        }
        let lifetime: TimeAmount
        switch answer {
        case .success: lifetime = Self.positiveLifetime
        case .failure: lifetime = Self.negativeLifetime
        }
        entries[host] = (answer, now + lifetime)
    }
}
