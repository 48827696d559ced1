import Synchronization
import Timestamps

/// The clocks of a node, set by the simulation before each of its steps, and what the node draws.
final class SimulatedClock: WallClock {
    private let state: Mutex<(instants: Instants, random: SplitMix64)>

    init(_ instants: Instants, seed: UInt64) {
        state = Mutex((instants, SplitMix64(state: seed)))
    }

    func now() -> Timestamp { state.withLock { $0.instants.wall } }
    func boot() -> ContinuousClock.Instant { state.withLock { $0.instants.boot } }
    func draw() -> UInt64 { state.withLock { $0.random.next() } }
    func set(_ instants: Instants) { state.withLock { $0.instants = instants } }
}

/// The generator of Steele, Lea and Flood, 2014: small, and the same everywhere for one seed.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    /// A generator of its own for `purpose`, so that one that draws more does not move the others.
    func split(_ purpose: UInt64) -> SplitMix64 {
        var seed = SplitMix64(state: state ^ purpose &* 0xd134_2543_de82_ef95)
        return SplitMix64(state: seed.next())
    }

    mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &self) < probability }

    mutating func duration(_ range: ClosedRange<Double>) -> Duration {
        .seconds(Double.random(in: range, using: &self))
    }
}
