import Synchronization

/// The addresses of this machine's interfaces, read again every 30 seconds while somebody asks.
///
/// Reading takes microseconds, and happens at most once in that time however many ask. An address that an interface was
/// just given may be unknown for as long. When the system refuses, the addresses known last stand; before any are known,
/// every address counts as one of this machine, for a guess must let nobody in.
package final class LocalAddresses: Sendable {
    private struct State {
        var known: Set<IPAddress>?
        var nextRead = ContinuousClock.now
    }

    private let state = Mutex(State())
    private let read: @Sendable () throws -> [IPAddress]
    private let interval: Duration

    /// 30 s: as quick as an operator who adds an address looks whether it works.
    package static let interval = Duration.seconds(30)

    /// Reads nothing yet.
    ///
    /// - Parameters:
    ///   - interval: How long what was read is believed.
    ///   - read: Where the addresses come from; the system's interfaces in production.
    package init(
        interval: Duration = interval, read: @escaping @Sendable () throws -> [IPAddress] = OwnAddress.localInterfaces
    ) {
        self.interval = interval
        self.read = read
    }

    /// Whether an interface of this machine has `address`.
    package func contains(_ address: IPAddress) -> Bool {
        state.withLock { state in
            if state.nextRead <= .now {
                state.nextRead = .now + interval
                // What cannot be read now is read at the next look.
                if let addresses = try? read() { state.known = Set(addresses) }
            }
            return state.known?.contains(address) ?? true
        }
    }
}
