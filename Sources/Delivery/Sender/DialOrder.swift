/// Which addresses of a host an attempt dials, and in which order.
///
/// The first of each family take turns, so that the second address dialled is of the other family (RFC 8305, 4). Of more
/// than ``SenderLimits/dialledAddresses`` addresses, every attempt of a delivery takes others, so that five attempts reach a
/// hundred; and deliveries begin at different ones.
package enum DialOrder {
    /// Where an attempt begins.
    package struct Turn: Sendable, Hashable {
        /// The same for all attempts of one delivery, and different for most deliveries.
        let seed: UInt64
        /// Attempts before this one.
        let step: Int

        /// The first attempt of a delivery.
        package init() {
            self.init(delivery: "", attempt: 1)
        }

        /// - Parameters:
        ///   - delivery: its id.
        ///   - attempt: 1 for the first.
        package init(delivery: String, attempt: Int) {
            // FNV-1a, as Swift's own hashes differ after a restart.
            seed = delivery.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
            step = max(1, min(attempt, 1_000_000)) - 1
        }
    }

    /// The addresses to dial, in order.
    static func addresses(of all: [IPAddress], at turn: Turn) -> [IPAddress] {
        let count = SenderLimits.dialledAddresses
        guard all.count > count else { return alternatingFamilies(all) }
        // Name servers send them in a different order each time; all attempts must count along the same one.
        let sorted = alternatingFamilies(all.sorted { $0.bits < $1.bits })
        let start = Int(turn.seed % UInt64(sorted.count)) + turn.step * count
        return (0..<count).map { sorted[(start + $0) % sorted.count] }
    }

    /// Keeps the order within a family and takes turns between them.
    static func alternatingFamilies(_ addresses: [IPAddress]) -> [IPAddress] {
        guard let first = addresses.first, addresses.count > 1 else { return addresses }
        let preferred = addresses.filter { $0.family == first.family }
        let other = addresses.filter { $0.family != first.family }
        return (0..<max(preferred.count, other.count)).flatMap { index in
            [preferred, other].compactMap { $0.indices.contains(index) ? $0[index] : nil }
        }
    }
}
