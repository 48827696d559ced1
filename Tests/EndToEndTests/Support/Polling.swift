import Foundation

/// Something did not come about in time, or did not go as a test needs it to.
struct TestFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Numbers that look random and are the same for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// The seed of this run: HTTPSMS_SEED, or another one each time; printed, so that a failure can be repeated.
    static func seed(for test: String) -> UInt64 {
        let given = ProcessInfo.processInfo.environment["HTTPSMS_SEED"].flatMap(UInt64.init)
        let seed = given ?? UInt64.random(in: 1...999_999)
        print("\(test): HTTPSMS_SEED=\(seed)")
        return seed
    }
}

/// Whether the long variants were asked for (`make soak`).
let isSoak = ProcessInfo.processInfo.environment["HTTPSMS_SOAK"] == "1"
