import Synchronization

@testable import Delivery

/// Answers from a script: the n-th lookup gets the n-th answer, later ones the last.
final class StubResolver: AddressResolver {
    private let answers: [Result<[IPAddress], ResolutionError>]
    private let lookups = Mutex<[String]>([])

    init(_ answers: Result<[IPAddress], ResolutionError>...) {
        self.answers = answers
    }

    convenience init(_ texts: String...) {
        self.init(.success(texts.compactMap { IPAddress($0) }))
    }

    /// The hosts that were asked for, in order.
    var hosts: [String] { lookups.withLock { $0 } }

    func resolve(
        _ host: String, for caller: LookupCaller, within limit: Duration
    ) async throws(ResolutionError) -> [IPAddress] {
        let index = lookups.withLock { lookups in
            lookups.append(host)
            return lookups.count - 1
        }
        return try answers[min(index, answers.count - 1)].get()
    }
}
