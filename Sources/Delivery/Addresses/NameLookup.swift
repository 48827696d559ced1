import CAres
import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One lookup of a name's addresses at the name servers, IPv4 and IPv6 at once, with a c-ares channel of its own.
///
/// c-ares 1.18, which Debian 12 has, can end all queries of a channel but not a single one, and keeps its sockets as long
/// as one query runs. A channel for each lookup gives each its own deadline, and random ports and ids, which are what
/// forgers of answers have to guess (RFC 5452). It costs 80 KiB while the lookup runs.
///
/// Made, driven and ended on one thread: nothing here may be called by two.
final class NameLookup {
    /// 100 addresses of one name are kept: what all attempts of a delivery dial (``DialOrder``).
    static let maximumAddresses = 100

    /// 1 s without an answer and the next server is asked, or the same one again; the wait doubles from round to round.
    private static let firstTimeout: Int32 = 1_000

    /// Each server is asked three times at most; the lookup's own deadline comes first.
    private static let tries: Int32 = 3

    /// 500 ms for the other family once one has addresses: servers that never answer for IPv6 exist (RFC 8305, 3).
    private static let familyPatience = TimeAmount.milliseconds(500)

    /// 8 domains of the search list are tried.
    private static let maximumCandidates = 9

    private enum Reply {
        case addresses([IPAddress])
        case nothing
        case failure(ResolutionError)
    }

    /// What the answer to one query is handed to.
    private final class Question {
        unowned let lookup: NameLookup
        let family: IPAddress.Family

        init(_ lookup: NameLookup, _ family: IPAddress.Family) {
            self.lookup = lookup
            self.family = family
        }
    }

    private let deadline: NIODeadline
    private var channel: ares_channel?
    private var candidates: ArraySlice<String> = []
    private var questions: [Question] = []
    private var replies: [IPAddress.Family: Reply] = [:]
    private var patienceEnd: NIODeadline?

    /// What came of it; nil while it runs.
    private(set) var outcome: Result<[IPAddress], ResolutionError>?

    /// Asks the name servers; the outcome may be there at once.
    init(of name: String, files: NameServiceFiles, deadline: NIODeadline) {
        self.deadline = deadline
        // Queries that find no socket look like servers that refuse.
        guard Self.canOpenSocket else {
            outcome = .failure(.unavailable)
            return
        }
        let status = open(files)
        guard status == ARES_SUCCESS, let channel else {
            outcome = .failure(.failed(Self.text(of: status)))
            return
        }
        candidates = Self.candidates(for: name, of: channel)
        askNext()
    }

    deinit { end() }

    /// Ends the queries and closes their sockets; the outcome stays as it is.
    func end() {
        guard let channel else { return }
        self.channel = nil
        // Calls back for each open query, which is why `questions` are let go only afterwards.
        ares_destroy(channel)
        questions = []
    }

    /// The sockets to wait for, each with the events of poll(2).
    var sockets: [pollfd] {
        guard let channel else { return [] }
        var sockets = [ares_socket_t](repeating: -1, count: Int(ARES_GETSOCK_MAXNUM))
        let bits = UInt32(bitPattern: ares_getsock(channel, &sockets, ARES_GETSOCK_MAXNUM))
        return sockets.indices.compactMap { index in
            let reads = bits >> index & 1 == 1
            let writes = bits >> (index + sockets.count) & 1 == 1
            guard reads || writes else { return nil }
            return pollfd(
                fd: sockets[index],
                events: Int16(truncatingIfNeeded: (reads ? Int32(POLLIN) : 0) | (writes ? Int32(POLLOUT) : 0)),
                revents: 0)
        }
    }

    /// When ``process(_:at:)`` must be called though no socket is ready.
    func nextLook(at now: NIODeadline) -> NIODeadline {
        let end = min(deadline, patienceEnd ?? deadline)
        var wait = timeval()
        guard let channel, ares_timeout(channel, nil, &wait) != nil else { return end }
        return min(end, now + .seconds(Int64(wait.tv_sec)) + .microseconds(Int64(wait.tv_usec)))
    }

    /// Reads and writes what is ready, repeats what has waited too long, and sets the outcome when there is one.
    func process(_ ready: some Sequence<pollfd>, at now: NIODeadline) {
        guard let channel else { return }
        for socket in ready where socket.revents != 0 {
            let events = Int32(truncatingIfNeeded: socket.revents)
            let hasFailed = events & (Int32(POLLERR) | Int32(POLLHUP) | Int32(POLLNVAL)) != 0
            let reads = hasFailed || events & Int32(POLLIN) != 0
            let writes = events & Int32(POLLOUT) != 0
            ares_process_fd(channel, reads ? socket.fd : -1, writes ? socket.fd : -1)
        }
        ares_process_fd(channel, -1, -1)
        judge(at: now)
    }

    private func judge(at now: NIODeadline) {
        while outcome == nil {
            let found = [IPAddress.Family.v6, .v4].compactMap { family -> [IPAddress]? in
                if case .addresses(let addresses)? = replies[family] { addresses } else { nil }
            }
            if !found.isEmpty, replies.count == 2 || now >= min(patienceEnd ?? deadline, deadline) {
                outcome = .success(Self.inOrder(found))
            } else if now >= deadline {
                outcome = .failure(.timedOut)
            } else if replies.count < 2 {
                if !found.isEmpty, patienceEnd == nil { patienceEnd = now + Self.familyPatience }
                return
            } else if let failure = firstFailure {
                outcome = .failure(failure)
            } else if candidates.isEmpty {
                outcome = .failure(.notFound)
            } else {
                askNext()
            }
        }
    }

    private var firstFailure: ResolutionError? {
        [IPAddress.Family.v4, .v6].lazy.compactMap { family -> ResolutionError? in
            if case .failure(let error)? = self.replies[family] { error } else { nil }
        }.first
    }

    private func askNext() {
        guard let channel, let name = candidates.popFirst() else { return }
        replies = [:]
        patienceEnd = nil
        for (family, type) in [(IPAddress.Family.v4, Self.typeA), (.v6, Self.typeAAAA)] {
            let question = Question(self, family)
            questions.append(question)
            ares_query(
                channel, name, Self.classIN, type,
                { argument, status, _, bytes, count in
                    // What is left when the channel is destroyed is no answer.
                    guard status != ARES_EDESTRUCTION, status != ARES_ECANCELLED, let argument else { return }
                    let question = Unmanaged<Question>.fromOpaque(argument).takeUnretainedValue()
                    question.lookup.replies[question.family] = NameLookup.reply(
                        status, UnsafeBufferPointer(start: bytes, count: Int(count)), question.family)
                }, Unmanaged.passUnretained(question).toOpaque())
        }
    }

    private static let classIN: Int32 = 1
    private static let typeA: Int32 = 1
    private static let typeAAAA: Int32 = 28
}

// Answers.
extension NameLookup {
    private static func reply(
        _ status: Int32, _ answer: UnsafeBufferPointer<UInt8>, _ family: IPAddress.Family
    ) -> Reply {
        guard status == ARES_SUCCESS else { return reply(without: status) }
        let (parsed, addresses) = family == .v4 ? v4Addresses(in: answer) : v6Addresses(in: answer)
        guard parsed == ARES_SUCCESS, !addresses.isEmpty else { return reply(without: parsed) }
        return .addresses(addresses)
    }

    private static func reply(without status: Int32) -> Reply {
        switch status {
        case ARES_ENODATA, ARES_ENOTFOUND, ARES_EBADNAME, ARES_SUCCESS: .nothing
        case ARES_ETIMEOUT: .failure(.timedOut)
        default: .failure(.failed(text(of: status)))
        }
    }

    private static func v4Addresses(in answer: UnsafeBufferPointer<UInt8>) -> (status: Int32, [IPAddress]) {
        var records = [ares_addrttl](repeating: ares_addrttl(), count: maximumAddresses)
        var count = Int32(clamping: records.count)
        let status = ares_parse_a_reply(answer.baseAddress, Int32(clamping: answer.count), nil, &records, &count)
        return (status, records.prefix(Int(max(0, count))).map { IPAddress(v4: UInt32(bigEndian: $0.ipaddr.s_addr)) })
    }

    private static func v6Addresses(in answer: UnsafeBufferPointer<UInt8>) -> (status: Int32, [IPAddress]) {
        var records = [ares_addr6ttl](repeating: ares_addr6ttl(), count: maximumAddresses)
        var count = Int32(clamping: records.count)
        let status = ares_parse_aaaa_reply(answer.baseAddress, Int32(clamping: answer.count), nil, &records, &count)
        let addresses = records.prefix(Int(max(0, count))).map { record in
            IPAddress(
                v6: withUnsafeBytes(of: record.ip6addr) { UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self)) })
        }
        return (status, addresses)
    }

    /// The family that this machine has a route to first, IPv6 before IPv4; each address once.
    private static func inOrder(_ families: [[IPAddress]]) -> [IPAddress] {
        let isUnreachable = families.count > 1 && families[0].first.map(isReachable) == false
        var seen: Set<IPAddress> = []
        return (isUnreachable ? families.reversed() : families).flatMap(\.self)
            .filter { seen.insert($0).inserted }.prefix(maximumAddresses).map(\.self)
    }

    /// Whether there is a route to an IPv6 address: connecting a datagram socket asks for one and sends nothing.
    private static func isReachable(_ address: IPAddress) -> Bool {
        let handle = datagramSocket(AF_INET6)
        guard handle >= 0 else { return false }
        defer { close(handle) }
        var target = sockaddr_in6()
        target.sin6_family = sa_family_t(truncatingIfNeeded: AF_INET6)
        target.sin6_port = (53 as UInt16).bigEndian
        withUnsafeMutableBytes(of: &target.sin6_addr) { $0.copyBytes(from: address.bytes) }
        return withUnsafePointer(to: target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(handle, $0, socklen_t(MemoryLayout<sockaddr_in6>.size)) == 0
            }
        }
    }
}

// The channel.
extension NameLookup {
    private static let hasLibrary = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS

    private func open(_ files: NameServiceFiles) -> Int32 {
        guard Self.hasLibrary else { return ARES_ENOTINITIALIZED }
        var options = ares_options()
        options.timeout = Self.firstTimeout
        options.tries = Self.tries
        options.udp_port = files.port
        options.tcp_port = files.port
        let mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT | ARES_OPT_LOOKUPS
        var resolvConf = Array(files.resolvConf.utf8CString)
        // Name servers only: hosts files are read by ``HostsFile``, once and not for each lookup.
        var lookups = Array("b".utf8CString)
        let status = resolvConf.withUnsafeMutableBufferPointer { path in
            lookups.withUnsafeMutableBufferPointer { order in
                options.resolvconf_path = path.baseAddress
                options.lookups = order.baseAddress
                return ares_init_options(&channel, &options, mask | ARES_OPT_RESOLVCONF)
            }
        }
        guard status == ARES_SUCCESS, !files.servers.isEmpty else { return status }
        let servers = files.servers.map { $0.family == .v6 ? "[\($0)]" : "\($0)" }
        return ares_set_servers_csv(channel, servers.joined(separator: ","))
    }

    /// The full names to ask for one after the other: by the search domains and `ndots` of the configuration, as
    /// resolv.conf(5) describes it. The dot at the end of each keeps c-ares from searching by itself.
    private static func candidates(for name: String, of channel: ares_channel) -> ArraySlice<String> {
        var options = ares_options()
        var mask: Int32 = 0
        guard ares_save_options(channel, &options, &mask) == ARES_SUCCESS else { return [name + "."] }
        defer { ares_destroy_options(&options) }
        let domains = (0..<Int(max(0, options.ndomains))).compactMap { index in
            options.domains[index].map { String(cString: $0) }
        }
        let searched = domains.filter { !$0.isEmpty && $0 != "." }.map { "\(name).\($0)." }
            .filter { $0.utf8.count <= 254 }
        let dots = name.utf8.count { $0 == UInt8(ascii: ".") }
        let all = dots >= Int(options.ndots) ? [name + "."] + searched : searched + [name + "."]
        return all.prefix(maximumCandidates)
    }

    private static var canOpenSocket: Bool {
        if OpenFiles.areShort { return false }
        let handle = datagramSocket(AF_INET)
        guard handle < 0 else {
            close(handle)
            return true
        }
        return !LocalShortage.isOne(errno, family: .v4)
    }

    private static func datagramSocket(_ family: Int32) -> Int32 {
        #if canImport(Glibc)
            socket(family, Int32(truncatingIfNeeded: SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        #else
            socket(family, SOCK_DGRAM, 0)
        #endif
    }

    private static func text(of status: Int32) -> String {
        ares_strerror(status).map { String(cString: $0) } ?? "error \(status)"
    }
}
