import Storage
import Timestamps

/// The engine with one rule taken out, which the checks must notice.
enum Twin: String, CaseIterable, Sendable {
    /// A result is stored whoever has the delivery by now.
    case noFence
    /// A delivery that another node has leased is claimed all the same.
    case noCompareAndSet
    /// An attempt starts although the lease may end before it does.
    case noLeaseMargin
    /// Results that could not be stored are forgotten.
    case recorderDrops
    /// What a lost claim took stays leased.
    case noRepair
    /// Only hints say what is due.
    case noScan
    /// Nodes whose lease ran out keep what they had.
    case noFreeing
    /// A node that is alone fences itself when its clock is set forward.
    case fencesItself
    /// Paused endpoints are served.
    case ignoresPause
    /// The events of a message go as they come.
    case ignoresOrder
    /// A failure is tried again at once.
    case retriesAtOnce
    /// A failure is tried again forever.
    case retriesForEver
    /// Age is measured by whatever the clock says.
    case retentionTrustsClock
    /// What a clock that was set back left far ahead stays there.
    case noPullIn
    /// One event that cannot be read keeps all others of its claim.
    case oneRowStopsAll
    /// A second between two attempts is left to the time of day.
    case noSecond
    /// A retry that is stored after the clock was set back is dated as before.
    case noRedating
    /// Retention looks at dates only, not at the order of the log.
    case retentionOutOfOrder
    /// A request carries the bytes of some event.
    case mixesBodies
    /// Successes are not counted.
    case miscounts
    /// Why a delivery failed is not noted.
    case failsSilently

    /// What it breaks.
    var breaks: Set<Invariant> {
        switch self {
        case .noFence: [.onceDone, .accountsFit]
        case .noCompareAndSet, .fencesItself: [.oneSender]
        case .noLeaseMargin: [.oneSender, .onceDone]
        case .recorderDrops: [.done, .secondApart]
        case .noRepair, .noScan, .noFreeing, .noPullIn, .noRedating: [.done]
        case .ignoresPause: [.activeOnly]
        case .ignoresOrder: [.inOrder]
        case .retriesAtOnce, .noSecond: [.secondApart]
        case .retriesForEver: [.fiveTries]
        case .retentionTrustsClock, .retentionOutOfOrder: [.youngStays]
        case .oneRowStopsAll: [.soon]
        case .mixesBodies: [.sameBytes]
        case .miscounts: [.accountsFit]
        case .failsSilently: [.truthful]
        }
    }

    /// Changes statements; nil when the rule is none of a statement's.
    var rewrite: SimulatedStore.Rewrite? {
        switch self {
        case .noFence:
            Self.replacing(
                ["COALESCE(lease, '') = ": "'' <> ", "state + 0 = ": "1 = ", "AND attempt = ": "AND attempt >= "],
                where: "AND attempt = ")
        case .noCompareAndSet:
            Self.replacing(["d.state = ": "d.state <= 1 AND 0 = "], where: "SET state = 1, lease = ")
        case .ignoresPause:
            { parts in
                guard Self.text(parts).hasPrefix("SELECT * FROM endpoint WHERE id =") else { return parts }
                return Array(parts.prefix(2))
            }
        case .ignoresOrder:
            Self.replacing(
                ["o.order_no < d.order_no": "o.order_no < d.order_no AND 1 = 0"], where: "o.order_no < d.order_no")
        case .retentionOutOfOrder:
            Self.replacing(
                ["WHERE position > ": "WHERE created_at < \(Simulation.oldest.microseconds) AND position > "],
                where: "SELECT id, position, created_at, retained_from")
        case .mixesBodies:
            Self.replacing(
                ["event_body.event_id = ": "event_body.event_id <> "], where: "SET state = 1, lease = ")
        case .miscounts:
            Self.replacing(["SET succeeded = succeeded + ": "SET succeeded = succeeded + 0 * "], where: "UPDATE tally")
        case .failsSilently:
            Self.replacing(["last_error = ": "last_error = NULL || "], where: "SET state = 3")
        default: nil
        }
    }

    /// Replaces runs of text in the statements that contain `mark`, their binds left out.
    private static func replacing(_ changes: [String: String], where mark: String) -> SimulatedStore.Rewrite {
        { parts in
            guard text(parts).contains(mark) else { return parts }
            return parts.map { part in
                guard case .text(let text) = part else { return part }
                return .text(changes.reduce(text) { $0.replacing($1.key, with: $1.value) })
            }
        }
    }

    private static func text(_ parts: [SQL.Part]) -> String {
        parts.map { if case .text(let text) = $0 { text } else { "?" } }.joined()
    }
}
