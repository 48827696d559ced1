import Delivery
import Gateway
import NIOCore
import Synchronization

/// The open connections of clients: how many there are, how many of each address, and which are idle. Thread-safe.
///
/// When all places are taken the connection that has been idle for longest makes room; when none is idle, the new one is
/// refused. One address never has more than its share, this machine and trusted proxies excepted.
final class OpenConnections: Sendable {
    private struct State {
        var count = 0
        var perNetwork: [String: Int] = [:]
        /// Idle connections by when they became so, the oldest first.
        var idle: [UInt64: any Channel] = [:]
        var nextTicket: UInt64 = 0
        var oldestTicket: UInt64 = 0
    }

    /// 64 connections beyond the limit may wait to be told that there is no place.
    private static let toldAtOnce = 64

    private let limits: ConnectionLimits
    private let unlimited: [Network]
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limits: How many there may be.
    ///   - proxies: Who speaks for many clients.
    init(limits: ConnectionLimits, proxies: [Network]) {
        self.limits = limits
        unlimited = limits.unlimited + proxies
    }

    /// The number of open connections, those that are being refused included.
    var count: Int { state.withLock { $0.count } }

    /// What becomes of a new connection.
    enum Admission: Sendable {
        /// It has a place.
        case admitted
        /// It is told that there is no place.
        case busy
        /// It is closed at once: those that are told are too many already.
        case refused
    }

    /// Counts a connection until it is closed. On its event loop, once.
    func admit(_ channel: any Channel) -> Admission {
        let network = Self.limitedNetwork(of: channel, except: unlimited)
        let (admission, evicted) = state.withLock { state -> (Admission, (any Channel)?) in
            state.count += 1
            let refusal = state.count > limits.connections + Self.toldAtOnce ? Admission.refused : .busy
            if let network {
                state.perNetwork[network, default: 0] += 1
                if state.perNetwork[network, default: 0] > limits.connectionsPerAddress {
                    return (
                        state.perNetwork[network, default: 0] > 2 * limits.connectionsPerAddress
                            ? .refused : refusal, nil
                    )
                }
            }
            guard state.count > limits.connections else { return (.admitted, nil) }
            let oldest = Self.takeOldest(&state)
            return (oldest == nil ? refusal : .admitted, oldest)
        }
        evicted?.close(promise: nil)
        channel.closeFuture.whenComplete { [self] _ in
            state.withLock { state in
                state.count -= 1
                guard let network, let count = state.perNetwork[network] else { return }
                state.perNetwork[network] = count > 1 ? count - 1 : nil
            }
        }
        return admission
    }

    /// Says that a connection waits for a request: it may be closed in favour of another.
    ///
    /// - Returns: What ``isBusy(_:)`` is told.
    func isIdle(_ channel: any Channel) -> UInt64 {
        state.withLock { state in
            state.nextTicket += 1
            state.idle[state.nextTicket] = channel
            return state.nextTicket
        }
    }

    /// Says that a connection is at work, or closed.
    func isBusy(_ ticket: UInt64) {
        state.withLock { _ = $0.idle.removeValue(forKey: ticket) }
    }

    /// Tickets are given out in order, and each is looked at once here, so this costs no more than giving them.
    private static func takeOldest(_ state: inout State) -> (any Channel)? {
        while state.oldestTicket < state.nextTicket {
            state.oldestTicket += 1
            if let channel = state.idle.removeValue(forKey: state.oldestTicket) { return channel }
        }
        return nil
    }

    /// Who counts as one client, see `IPAddress.clientNetwork`; nil for addresses without a limit.
    private static func limitedNetwork(of channel: any Channel, except unlimited: [Network]) -> String? {
        // A zone, as in "fe80::1%eth0", is not part of the address.
        guard let text = channel.remoteAddress?.ipAddress, let address = IPAddress(String(text.prefix { $0 != "%" })),
            !unlimited.contains(where: { $0.contains(address) })
        else { return nil }
        return address.clientNetwork
    }
}
