import NIOCore

/// The connections that wait for another request: a value, so that ageing and bounds are tested without sockets.
struct IdleConnections<Connection: AnyObject> {
    private struct Entry {
        let connection: Connection
        let address: IPAddress
        let established: NIODeadline
        let idleSince: NIODeadline

        func isFresh(at now: NIODeadline) -> Bool {
            now < idleSince + SenderLimits.idleTime && now < established + SenderLimits.connectionAge
        }
    }

    /// Per key, the longest idle first.
    private var entries: [PoolKey: [Entry]] = [:]

    /// Keys under which nothing is kept, and until when.
    private var distrusted: [PoolKey: NIODeadline] = [:]

    /// The number of idle connections under all keys.
    private(set) var count = 0

    /// Takes the most recently used fresh connection to one of the addresses that were vetted for this attempt.
    mutating func take(_ key: PoolKey, to addresses: [IPAddress], at now: NIODeadline) -> Connection? {
        let index = entries[key]?.lastIndex { $0.isFresh(at: now) && addresses.contains($0.address) }
        guard let index, let entry = entries[key]?.remove(at: index) else { return nil }
        count -= 1
        if entries[key]?.isEmpty == true { entries[key] = nil }
        return entry.connection
    }

    /// Keeps a connection; false when it is too old or there is no room, and the caller closes it.
    mutating func put(
        _ connection: Connection, _ key: PoolKey, address: IPAddress, established: NIODeadline, at now: NIODeadline
    ) -> Bool {
        let entry = Entry(connection: connection, address: address, established: established, idleSince: now)
        guard entry.isFresh(at: now), !isDistrusted(key, at: now), count < SenderLimits.idleConnections,
            entries[key, default: []].count < SenderLimits.idleConnectionsPerKey
        else {
            if entries[key]?.isEmpty == true { entries[key] = nil }
            return false
        }
        entries[key, default: []].append(entry)
        count += 1
        return true
    }

    /// Keeps nothing under `key` for ``SenderLimits/distrust``; removes and returns what rests there.
    mutating func distrust(_ key: PoolKey, at now: NIODeadline) -> [Connection] {
        if distrusted[key] == nil, distrusted.count >= SenderLimits.distrustedKeys {
            distrusted = distrusted.filter { $0.value > now }
            if distrusted.count >= SenderLimits.distrustedKeys, let oldest = distrusted.min(by: { $0.value < $1.value })
            {
                distrusted[oldest.key] = nil
            }
        }
        distrusted[key] = now + SenderLimits.distrust
        let removed = entries.removeValue(forKey: key)?.map(\.connection) ?? []
        count -= removed.count
        return removed
    }

    private func isDistrusted(_ key: PoolKey, at now: NIODeadline) -> Bool {
        distrusted[key].map { $0 > now } ?? false
    }

    /// Forgets a connection that ended while idle.
    mutating func remove(_ connection: Connection, _ key: PoolKey) {
        guard let index = entries[key]?.firstIndex(where: { $0.connection === connection }) else { return }
        entries[key]?.remove(at: index)
        count -= 1
        if entries[key]?.isEmpty == true { entries[key] = nil }
    }

    /// Removes and returns what is idle for too long or too old.
    mutating func removeExpired(at now: NIODeadline) -> [Connection] {
        removeAll { !$0.isFresh(at: now) }
    }

    /// Removes and returns everything.
    mutating func removeAll() -> [Connection] {
        removeAll { _ in true }
    }

    private mutating func removeAll(where isUnwanted: (Entry) -> Bool) -> [Connection] {
        var removed: [Connection] = []
        for (key, list) in entries {
            let unwanted = list.filter(isUnwanted)
            guard !unwanted.isEmpty else { continue }
            removed += unwanted.map(\.connection)
            let kept = list.filter { !isUnwanted($0) }
            entries[key] = kept.isEmpty ? nil : kept
        }
        count -= removed.count
        return removed
    }
}
