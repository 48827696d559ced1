import Synchronization

/// The simulated phone's chance; with a generator of its own a test knows what comes.
package final class Dice: Sendable {
    private let generator: Mutex<any RandomNumberGenerator & Sendable>

    /// Rolls with `generator`.
    package init(_ generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()) {
        self.generator = Mutex(generator)
    }

    /// Whether something that happens at `rate`, from 0 (never) to 1 (always), happens now.
    func happens(at rate: Double) -> Bool {
        let number = generator.withLock { $0.next() }
        // 53 bits are what a Double holds exactly; the result is below 1.
        return Double(number >> 11) * 0x1p-53 < rate
    }

    /// One of `choices`, each as often as any other; `choices` must not be empty.
    func pick<Value>(_ choices: [Value]) -> Value {
        choices[Int(generator.withLock { $0.next() } % UInt64(choices.count))]
    }
}
