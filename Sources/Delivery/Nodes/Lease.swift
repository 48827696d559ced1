import Storage
import Timestamps

/// Names one incarnation of a process; what it claims is its own until it ends or loses the lease.
package struct Lease: Hashable, Sendable, SQLConvertible {
    private let text: String

    /// Makes the lease of a process that starts now.
    package init(at now: Timestamp) {
        text = ID<Lease>(at: now).text
    }

    /// Makes the lease of a process that starts now by `clock`.
    package init(from clock: any WallClock) {
        text = ID<Lease>(from: clock).text
    }

    package var sqlValue: SQLValue { .text(text) }

    package init?(sqlValue: SQLValue) {
        guard case .text(let text) = sqlValue else { return nil }
        self.text = text
    }
}
