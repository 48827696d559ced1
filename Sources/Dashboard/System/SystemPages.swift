import Delivery
import Gateway
import Hummingbird
import Storage
import Timestamps

/// `GET /system`, for the owner of the server: whether it is well, what it runs on, and whether every delivery is
/// accounted for.
struct SystemPages: SignedInPages {
    let store: any Store
    let facts: SystemFacts
    let views: PageViews

    static let path = "/system"

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/system") { _, context in
            try context.requireOwner()
            let readiness = await store.readiness()
            let state = try await store.read(.maintenance) { tx in try SystemQueries.state(in: tx) }
            return views.page(.system, "System", content(state, readiness), context)
        }
    }

    private struct Content {
        /// Why the server takes no requests; nil when it does.
        let problem: String?
        let server: [Pair]
        let queue: [Pair]
        let audit: [Pair]
        let isAccounted: Bool
        let unaccounted: String
        let nodes: [Node]
        let settings: [Pair]
    }

    private struct Pair {
        let name: String
        let value: String
    }

    private struct Node {
        let name: String
        let version: String
        let startedAt: String
        let status: String
        let note: String
    }

    private func content(_ state: SystemState, _ problem: String?) -> Content {
        func sum(_ path: KeyPath<Audit.Account, Int64>) -> Int64 { state.audit.map { $0[keyPath: path] }.clampedSum() }
        func pair(_ name: String, _ path: KeyPath<Audit.Account, Int64>) -> Pair {
            Pair(name: name, value: Figure.shown(sum(path)))
        }
        let unaccounted = state.audit.map { abs($0.unaccounted) }.clampedSum()
        let overdue = state.oldestDue.map { "due for \(Figure.shown(state.now - $0))" }
        let waiting = WriteLane.Kind.allCases.map { "\($0): \(store.waitingWrites($0))" }.joined(separator: ", ")
        return Content(
            problem: problem,
            server: server(state),
            queue: [
                pair("Waiting for their next attempt", \.pending), pair("Being attempted", \.delivering),
                pair("Held: their webhook is paused or disabled", \.held),
                Pair(name: "Oldest", value: overdue ?? "none is overdue"),
                Pair(name: "Transactions that wait for the store", value: waiting),
            ],
            audit: [
                pair("Accepted", \.accepted), pair("Succeeded", \.succeeded), pair("Failed", \.failed),
                pair("Open", \.open), pair("Cancelled", \.cancelled), pair("Deleted for their age", \.pruned),
            ],
            isAccounted: unaccounted == 0, unaccounted: Figure.shown(unaccounted),
            nodes: state.nodes.map(Self.node),
            settings: facts.settings.map { Pair(name: $0.name, value: $0.value) })
    }

    private func server(_ state: SystemState) -> [Pair] {
        let store = "\(facts.isPostgres ? "PostgreSQL" : "SQLite") \(state.databaseVersion)"
        var pairs = [
            Pair(name: "Version", value: facts.version),
            Pair(name: "Running since", value: PageTime.shown(facts.startedAt)),
            Pair(name: "Store", value: "\(store), \(Figure.bytes(state.databaseSize))"),
        ]
        if !facts.isPostgres { pairs.append(Pair(name: "About this SQLite", value: SQLiteVersion.loaded.advice)) }
        if let bytes = self.store.logSize { pairs.append(Pair(name: "Log", value: Figure.bytes(Int64(bytes)))) }
        return pairs + [
            Pair(name: "Migrations", value: Figure.shown(state.migrations)),
            Pair(name: "Accounts", value: Figure.shown(state.accounts)),
            Pair(name: "Phones", value: state.phones.sentence),
            Pair(name: "Sending", value: state.phones.explanation(pushes: facts.pushes)),
        ]
    }

    private static func node(_ node: NodeQueries.Node) -> Node {
        let status = node.isFenced ? "stopped" : node.remaining > .zero ? "active" : "silent"
        let note =
            switch status {
            case "active": "its lease holds for another \(Figure.shown(node.remaining))"
            case "silent": "its lease ran out; another node takes over what it was delivering"
            default: "it was stopped, or its lease ended"
            }
        return Node(
            name: node.name, version: node.version, startedAt: PageTime.shown(node.startedAt), status: status,
            note: note)
    }
}

extension Audit.Account {
    fileprivate var open: Int64 { pending + held + delivering }
}
