import Synchronization

/// A value that is made when it is first asked for, as most servers never need it.
final class FirstUse<Value: Sendable>: Sendable {
    private let known = Mutex<Value?>(nil)
    private let make: @Sendable () -> Value

    /// `make` is called once.
    init(_ make: @escaping @Sendable () -> Value) {
        self.make = make
    }

    var value: Value {
        known.withLock { known in
            if let known { return known }
            let value = make()
            known = value
            return value
        }
    }
}
