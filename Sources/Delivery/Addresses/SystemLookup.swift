#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The system's blocking name lookup.
enum SystemLookup {
    /// Asks `getaddrinfo` for stream addresses; blocks the thread for as long as the name servers please.
    ///
    /// `AI_ADDRCONFIG` is not asked for: in a container without a network it hides `localhost`, and an address family
    /// that cannot be reached fails at once when dialled.
    static func addresses(of host: String) -> Result<[IPAddress], ResolutionError> {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard status == 0 else { return .failure(error(status)) }

        var addresses: [IPAddress] = []
        var next = list
        while let entry = next {
            if let address = entry.pointee.ai_addr.flatMap({ IPAddress($0) }), !addresses.contains(address) {
                addresses.append(address)
            }
            next = entry.pointee.ai_next
        }
        return addresses.isEmpty ? .failure(.notFound) : .success(addresses)
    }

    private static func error(_ status: Int32) -> ResolutionError {
        switch status {
        case EAI_NONAME: .notFound
        #if canImport(Glibc)
            // EAI_NODATA, the name exists without addresses; glibc hides the constant behind _GNU_SOURCE.
            case -5: .notFound
        #endif
        default: .failed(String(cString: gai_strerror(status)))
        }
    }
}
