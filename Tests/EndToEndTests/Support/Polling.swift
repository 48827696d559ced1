import Foundation
import TestSupport

/// Something did not come about in time, or did not go as a test needs it to.
struct TestFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension SeededGenerator {
    /// The seed of this run: HTTPSMS_SEED, or another one each time; printed, so that a failure can be repeated.
    static func seed(for test: String) -> UInt64 {
        let given = ProcessInfo.processInfo.environment["HTTPSMS_SEED"].flatMap(UInt64.init)
        let seed = given ?? UInt64.random(in: 1...999_999)
        print("\(test): HTTPSMS_SEED=\(seed)")
        return seed
    }
}
