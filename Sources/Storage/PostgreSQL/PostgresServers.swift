import CLibPQ
import Synchronization
import Timestamps

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where the connections of one store lead, and until when they wait there.
///
/// Shared by all of them: whoever finds a server that takes writes tells the others, and the end of the store ends every
/// wait.
final class PostgresServers: Sendable {
    /// One address that may be a server of the URL.
    struct Target: Equatable {
        /// What libpq is told beside the URL; nothing when the URL says it all.
        var parameters: [Parameter]

        /// A parameter of libpq, which takes the place of the URL's.
        struct Parameter: Equatable {
            let name: String
            let value: String
        }
    }

    private struct State {
        /// The one that was used last: after a failover the others would cost each new connection a wait.
        var preferred: [Target.Parameter]?
        var end: ContinuousClock.Instant?
        var hungThreads = 0
    }

    /// What connections are opened with.
    let url: String
    /// What stands between.
    let pooler: PostgresPooler
    private let state = Mutex(State())

    /// Threads that may hang in a name lookup: each holds some memory, and a resolver that is silent for one is silent for
    /// all.
    private static let hungLimit = 8

    init(url: String, pooler: PostgresPooler = .none) {
        self.url = url
        self.pooler = pooler
    }

    /// Ends every wait `duration` from now on, or when it was said before, whichever comes first.
    func end(within duration: Duration) {
        let end = ContinuousClock.now + duration
        state.withLock { $0.end = min($0.end ?? end, end) }
    }

    /// When a wait that may last until `deadline` is over; nil when it has no end.
    func end(before deadline: ContinuousClock.Instant?) -> ContinuousClock.Instant? {
        let end = state.withLock(\.end)
        return [end, deadline].compactMap(\.self).min()
    }

    /// Puts the address in front that was used last.
    func ordered(_ targets: [Target]) -> [Target] {
        let preferred = state.withLock(\.preferred)
        return targets.filter { $0.parameters == preferred } + targets.filter { $0.parameters != preferred }
    }

    /// Notes that a connection was made to `target`.
    func prefer(_ target: Target) {
        state.withLock { $0.preferred = target.parameters }
    }

    /// Whether another thread may be started that connects.
    var mayConnect: Bool { state.withLock { $0.hungThreads < Self.hungLimit } }

    /// Counts a thread that nobody waits for any more, or one less.
    func countHung(_ change: Int) {
        state.withLock { $0.hungThreads += change }
    }

    /// The hosts of the URL, in its order, each with its port; one without parameters when it names one host or none.
    ///
    /// libpq goes from host to host by itself, but only waits for each of them when it blocks.
    func hosts() -> [Target] {
        let whole = [Target(parameters: [])]
        guard let options = PQconninfoParse(url, nil) else { return whole }
        defer { PQconninfoFree(options) }
        var lists: [String: [String]] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val {
                let values = String(cString: value).split(separator: ",", omittingEmptySubsequences: false)
                lists[String(cString: keyword)] = values.map(String.init)
            }
            option += 1
        }
        let (names, addresses, ports) = (lists["host"] ?? [], lists["hostaddr"] ?? [], lists["port"] ?? [])
        let count = max(names.count, addresses.count)
        // What does not fit together is left to libpq, which says so.
        guard count > 0, [0, count].contains(names.count), [0, count].contains(addresses.count),
            [0, 1, count].contains(ports.count), !names.contains(""), !addresses.contains("")
        else { return whole }
        return (0..<count).map { index in
            let port = ports.count == count ? ports[index] : ports.first ?? ""
            let all = [
                ("host", names.isEmpty ? "" : names[index]), ("hostaddr", addresses.isEmpty ? "" : addresses[index]),
                ("port", port),
            ]
            return Target(parameters: all.filter { !$0.1.isEmpty }.map { .init(name: $0.0, value: $0.1) })
        }
    }

    /// Every address of `host`, in the system's order; blocks in the lookup. `host` itself when it needs none, or there is
    /// none, so that libpq says why.
    static func addresses(of host: Target) -> [Target] {
        let name = host.parameters.first { $0.name == "host" }?.value ?? ""
        let isLookedUp = !name.isEmpty && !name.hasPrefix("/") && !name.hasPrefix("@")
        guard isLookedUp, !host.parameters.contains(where: { $0.name == "hostaddr" }) else { return [host] }
        var hints = addrinfo()
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var first: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &first) == 0, let first else { return [host] }
        defer { freeaddrinfo(first) }
        var targets: [Target] = []
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let entry = next {
            next = entry.pointee.ai_next
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let isText =
                getnameinfo(
                    entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0,
                    NI_NUMERICHOST) == 0
            guard isText else { continue }
            let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            let address = Target.Parameter(name: "hostaddr", value: String(decoding: bytes, as: UTF8.self))
            targets.append(Target(parameters: host.parameters + [address]))
        }
        return targets.isEmpty ? [host] : targets
    }
}
