import Logging
import ServiceLifecycle
import Storage
import Timestamps

/// This process among those that share a store: keeps its lease, and frees what dead ones held.
///
/// A node renews its lease after every quarter of its life, 20 s unless it is set. One that cannot (killed, frozen, cut off) is
/// fenced by whoever has seen it do nothing for one life, its deliveries are claimed by others, and its late results are
/// refused, as their lease does not hold any more. A fenced node that wakes up goes on under a new lease. No clock that can be
/// set has a say in it.
package struct NodeMembership: Service {
    /// How the process is known to others.
    package struct Identity: Sendable {
        /// The machine and process, for people: `web-1 (process 4711)`.
        package let name: String
        /// The version of the server.
        package let version: String

        /// Describes a process.
        package init(name: String, version: String) {
            self.name = name
            self.version = version
        }
    }

    /// What deliveries are claimed under.
    package let lease: OwnLease
    private let identity: Identity
    private let isAlone: Bool
    private let life: Duration
    private let store: any Store
    private let clock: any WallClock
    private let logger: Logger

    /// How often dead nodes are looked for, and a failed renewal is tried again.
    private static let interval: Duration = .seconds(1)
    /// How often also what nodes left that are gone for long is looked for.
    private static let thoroughInterval: Duration = .seconds(60)

    /// Enters the process under a new lease.
    ///
    /// - Parameters:
    ///   - store: What the processes share.
    ///   - identity: How this one is known.
    ///   - isAlone: Whether it is known to be the only one; every other lease is void then at once.
    ///   - life: How long a lease holds unless it is renewed; longer than an attempt and a half.
    ///   - clock: What leases are named by.
    ///   - logger: Told of nodes that die.
    /// - Returns: The membership, a service to be run.
    /// - Throws: `StorageError`.
    package static func join(
        _ store: any Store, as identity: Identity, isAlone: Bool, life: Duration = .seconds(20), clock: any WallClock,
        logger: Logger
    ) async throws -> NodeMembership {
        let lease = Lease(from: clock)
        let membership = NodeMembership(
            lease: OwnLease(lease, clock: clock), identity: identity, isAlone: isAlone, life: life, store: store,
            clock: clock,
            logger: logger)
        try await membership.enter(lease)
        if isAlone {
            try await store.write(.maintenance) { tx in try NodeQueries.fenceOthers(than: lease, in: tx) }
        }
        try await membership.freeOrphans()
        return membership
    }

    private init(
        lease: OwnLease, identity: Identity, isAlone: Bool, life: Duration, store: any Store, clock: any WallClock,
        logger: Logger
    ) {
        self.lease = lease
        self.identity = identity
        self.isAlone = isAlone
        self.life = life
        self.store = store
        self.clock = clock
        self.logger = logger
    }

    /// Keeps the lease until graceful shutdown, then gives back what is left under it.
    ///
    /// To be shut down after the dispatcher, which still stores results under the lease.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var nextRenewal = clock.boot() + life / 4
            var watch = LeaseWatch(life: life)
            var nextThorough = clock.boot()
            var isFailing = false
            while !Task.isCancelled {
                try? await clock.sleep(for: Self.interval)  // Cancelled at shutdown, which ends the loop.
                if Task.isCancelled { break }
                do {
                    if nextRenewal <= clock.boot() {
                        try await renew()
                        nextRenewal = clock.boot() + life / 4
                    }
                    let thorough = nextThorough <= clock.boot()
                    try await freeDead(&watch, thorough: thorough)
                    if thorough { nextThorough = clock.boot() + Self.thoroughInterval }
                    isFailing = false
                } catch {
                    if !isFailing { logger.error("the lease cannot be renewed", metadata: ["error": "\(error)"]) }
                    isFailing = true
                }
            }
        }
        await leave()
    }

    /// Enters `lease`. Its end is reckoned from before the statement, so that we never believe in it for longer than others.
    private func enter(_ lease: Lease) async throws {
        let end = clock.boot() + life
        try await store.write(.engine) { [identity, life] tx in
            try NodeQueries.insert(lease, name: identity.name, version: identity.version, life: life, in: tx)
        }
        self.lease.set(lease, until: isAlone ? nil : end)
    }

    private func renew() async throws {
        let lease = lease.current
        let end = clock.boot() + life
        let isRenewed = try await store.write(.engine) { [life] tx in
            try NodeQueries.prune(in: tx)
            return try NodeQueries.renew(lease, life: life, in: tx)
        }
        if isRenewed {
            return self.lease.set(lease, until: isAlone ? nil : end)
        }
        logger.warning("this node was taken for dead and goes on under a new lease")
        try await enter(Lease(from: clock))
    }

    /// One look for nodes that died.
    func freeDead(_ watch: inout LeaseWatch, thorough: Bool = true) async throws {
        // One that is alone has nobody to fence.
        guard !isAlone else { return try await freeOrphans(thorough: thorough) }
        let own = lease.current
        let others = try await store.read(.engine) { tx in try NodeQueries.others(than: own, in: tx) }
        let dead = watch.dead(others, at: clock.boot())
        if !dead.isEmpty {
            let names = try await store.write(.engine) { tx in try dead.compactMap { try NodeQueries.fence($0, in: tx) }
            }
            for name in names {
                logger.warning("a node is dead, its deliveries are freed", metadata: ["node": "\(name)"])
            }
        }
        try await freeOrphans(thorough: thorough)
    }

    private func freeOrphans(thorough: Bool = true) async throws {
        while try await store.write(
            .engine, { tx in try NodeQueries.freeOrphans(limit: 500, thorough: thorough, in: tx) }) == 500
        {}
    }

    private func leave() async {
        let lease = lease.current
        do {
            try await store.write(.engine) { tx in try NodeQueries.fence(lease, in: tx) }
            try await freeOrphans()
        } catch {
            // Others find out in 20 s, or the next start at once.
            logger.debug("the lease could not be given back", metadata: ["error": "\(error)"])
        }
    }
}
