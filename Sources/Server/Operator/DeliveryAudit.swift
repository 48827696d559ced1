import Delivery
import Storage
import Synchronization
import Timestamps

/// The part of `httpsms doctor` that compares every delivery with the counters, and sets the counters right when it may.
struct DeliveryAudit: Sendable {
    /// Whether counters that differ from the rows are set right.
    let repairs: Bool
    /// Told how far it is, in words, after each tenth.
    let progress: @Sendable (String) -> Void

    /// The account of each webhook, what does not fit, what was repaired, and what was repaired before.
    func findings(in store: any Store) async throws -> [Finding] {
        var (accounts, mismatches) = try await audit(store)
        var repaired: [Finding] = []
        if repairs, !mismatches.isEmpty {
            repaired = try await repair(Set(mismatches.map(\.endpoint)).sorted(), in: store)
            (accounts, mismatches) = try await audit(store)
        }
        let records = try await store.read(.maintenance) { tx in try TallyRepair.records(in: tx) }
        return accounts.map(Self.line) + repaired
            + records.map { .fine("repaired", "\($0)") }
            + mismatches.map { .problem("audit", "\($0)") }
            + (mismatches.isEmpty ? [.fine("audit", "every delivery is accounted for")] : [])
    }

    private func audit(_ store: any Store) async throws -> ([Audit.Account], [Audit.Mismatch]) {
        let (progress, last) = (progress, Tenths())
        let walk = AuditWalk(store) { rows, total in
            guard total > 0 else { return }
            guard last.isNew(rows.clampedMultiplying(by: 10) / total) else { return }
            progress("audit: \(rows) of about \(total) deliveries")
        }
        return try await walk.run()
    }

    private func repair(_ endpoints: [EndpointID], in store: any Store) async throws -> [Finding] {
        var findings: [Finding] = []
        for endpoint in endpoints {
            switch try await TallyRepair.repair(endpoint, in: store) {
            case .right, .repaired: continue
            case .busy:
                findings.append(
                    .warning(
                        "repair",
                        "webhook \(endpoint) is in use and its counters moved each time: pause it, then repair again"))
            }
        }
        return findings
    }

    private static func line(_ account: Audit.Account) -> Finding {
        .fine(
            account.endpoint == .gone ? "webhooks deleted long ago" : "webhook \(account.endpoint)",
            """
            accepted \(account.accepted) = succeeded \(account.succeeded) + failed \(account.failed) + pending \
            \(account.pending) + held \(account.held) + delivering \(account.delivering) + cancelled \
            \(account.cancelled) + pruned \(account.pruned)
            """)
    }
}

/// Which tenths of the audit were told of. Thread-safe.
final class Tenths: Sendable {
    private let last = Mutex<Int64>(0)

    /// Whether `tenth` is the farthest so far.
    func isNew(_ tenth: Int64) -> Bool {
        last.withLock { last in
            guard tenth > last else { return false }
            last = tenth
            return true
        }
    }
}
