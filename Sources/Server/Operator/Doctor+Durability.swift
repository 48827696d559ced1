import Storage

/// What PostgreSQL's own settings promise of what was committed.
struct PostgresDurability: Sendable {
    /// `synchronous_commit`, as it is for the user and the database of the server.
    var synchronousCommit: String
    /// Whether there are standbys that a commit waits for.
    var hasSynchronousStandby: Bool
    /// `fsync`.
    var flushes: Bool
    /// `full_page_writes`.
    var writesFullPages: Bool

    /// What a connection of the server is told.
    init(in tx: any Transaction) throws {
        func setting(_ name: String) throws -> String {
            try tx.value("SELECT current_setting(\(name)) AS value") ?? ""
        }
        self.init(
            synchronousCommit: try setting("synchronous_commit"),
            hasSynchronousStandby: try !setting("synchronous_standby_names").isEmpty,
            flushes: try setting("fsync") != "off", writesFullPages: try setting("full_page_writes") != "off")
    }

    init(
        synchronousCommit: String = "on", hasSynchronousStandby: Bool = false, flushes: Bool = true,
        writesFullPages: Bool = true
    ) {
        self.synchronousCommit = synchronousCommit
        self.hasSynchronousStandby = hasSynchronousStandby
        self.flushes = flushes
        self.writesFullPages = writesFullPages
    }

    /// What is lost, and when: a sentence for each setting that is not as it should be.
    var losses: [String] {
        var losses: [String] = []
        if !flushes {
            losses.append(
                """
                fsync is off: when the machine crashes or loses power, the whole database may be unreadable. Set it to on, and \
                restart PostgreSQL
                """)
        }
        if !writesFullPages {
            losses.append(
                """
                full_page_writes is off: a page that is half written when the machine loses power is lost with all that is on it. \
                Set it to on, unless the file system never writes half a page (ZFS)
                """)
        }
        switch synchronousCommit {
        case "off":
            losses.append(
                """
                synchronous_commit is off: messages and events that were accepted in the last second are lost when PostgreSQL \
                crashes. Set it to on, also for this user and database (ALTER ROLE, ALTER DATABASE)
                """)
        case "local" where hasSynchronousStandby:
            losses.append(
                """
                synchronous_commit is local: what was accepted before the standby had it is lost when that is promoted. Set it \
                to on
                """)
        case "remote_write" where hasSynchronousStandby:
            losses.append(
                """
                synchronous_commit is remote_write: the standby has not flushed what was accepted, which is lost when both \
                machines fail at once. Set it to on
                """)
        default: break
        }
        return losses
    }
}

extension Commands {
    /// Whether what is committed stays, as far as PostgreSQL's settings go.
    ///
    /// - Throws: What the store throws.
    static func durability(in store: any Store) async throws -> [Finding] {
        let losses = try await store.read(.maintenance) { tx in try PostgresDurability(in: tx) }.losses
        if losses.isEmpty { return [.fine("postgresql", "what is committed is on the disk")] }
        return losses.map { .warning("postgresql", $0) }
    }
}
