import Synchronization
import Testing

/// The real binary on real sockets and files. One test at a time: each has several processes and counts seconds.
@Suite(.serialized) struct EndToEndTests {}

/// Those of the real binary that wait more than they work, such as for a lease that ends; one at a time, beside ``EndToEndTests``.
@Suite(.serialized) struct PatientTests {}

/// Those with phones, modems and their apps; one at a time, beside both.
@Suite(.serialized) struct PhoneAppTests {}

/// How far several tasks have come together.
final class Progress: Sendable {
    private let done = Atomic(0)

    var count: Int { done.load(ordering: .relaxed) }

    func advance() {
        done.add(1, ordering: .relaxed)
    }
}
