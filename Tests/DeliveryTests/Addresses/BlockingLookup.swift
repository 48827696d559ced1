import Dispatch
import Synchronization

@testable import Delivery

/// A lookup that blocks until it is released, as getaddrinfo does while name servers are silent.
final class BlockingLookup: Sendable {
    let calls = Mutex(0)
    private let gate = DispatchSemaphore(value: 0)

    func callAsFunction(_ host: String) -> Result<[IPAddress], ResolutionError> {
        calls.withLock { $0 += 1 }
        gate.wait()
        gate.signal()
        return .success([IPAddress(v4: 0x0101_0101)])
    }

    func release() { gate.signal() }
}
