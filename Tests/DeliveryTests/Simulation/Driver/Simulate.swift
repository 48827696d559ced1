import Foundation
import Synchronization
import Timestamps

/// Simulates many seeds on all cores, or one seed with its last 100 steps.
///
/// `Scripts/simulate` builds it, and says what can be asked for. Only built with HTTPSMS_SIMULATION=1.
@main
enum Simulate {
    static func main() throws {
        let arguments = Dictionary(
            zip(CommandLine.arguments.dropFirst(), CommandLine.arguments.dropFirst(2)),
            uniquingKeysWith: { first, _ in first })
        func number(_ name: String) -> UInt64? { arguments[name].flatMap(UInt64.init) }
        let twin = arguments["--twin"].flatMap(Twin.init(rawValue:))
        if let seed = number("--seed") {
            let run = try Simulator().run(seed, twin, isTracing: true)
            print(run.table(number("--steps").map { Int(clamping: $0) } ?? 100))
            exit(run.violation == nil ? 0 : 1)
        }
        if arguments["--twins"] != nil {
            let simulator = try Simulator()
            for twin in Twin.allCases {
                print("\(twin.rawValue) \(simulator.conviction(of: twin).map { "\($0.seed)" } ?? "is not convicted")")
            }
            exit(0)
        }
        let limit = number("--seconds").map { Duration.seconds(Int64(clamping: $0)) }
        let work = Work(
            first: number("--first") ?? 1, count: number("--seeds") ?? (limit == nil ? 1_000 : .max), limit: limit,
            keepsGoing: arguments["--keep-going"] != nil)
        DispatchQueue.concurrentPerform(iterations: ProcessInfo.processInfo.activeProcessorCount) { _ in
            do {
                try work.run(twin)
            } catch {
                print("The database cannot be made: \(error)")
                exit(2)
            }
        }
        print("Simulated \(work.summary).")
        exit(work.failures == 0 ? 0 : 1)
    }
}

/// The seeds that all cores take from.
private final class Work: Sendable {
    private let state: Mutex<(next: UInt64, left: UInt64, summary: Summary, failures: Int)>
    private let limit: Duration?
    private let keepsGoing: Bool
    private let began = ContinuousClock.now

    init(first: UInt64, count: UInt64, limit: Duration?, keepsGoing: Bool) {
        state = Mutex((first, count, Summary(), 0))
        self.limit = limit
        self.keepsGoing = keepsGoing
    }

    var failures: Int { state.withLock { $0.failures } }

    var summary: String { state.withLock { "\($0.summary) in \(began.duration(to: .now).seconds) s" } }

    /// Runs seeds until none is left, or the time is over.
    func run(_ twin: Twin?) throws {
        let simulator = try Simulator()
        while let seed = next() {
            let run = simulator.run(seed, twin)
            state.withLock { state in
                state.summary.add(run)
                if run.violation != nil { state.failures += 1 }
            }
            guard run.violation != nil else { continue }
            print("\(simulator.run(seed, twin, isTracing: true).table())\nAgain: make simulate SEED=\(seed)")
        }
    }

    private func next() -> UInt64? {
        state.withLock { state in
            let isOver = limit.map { began.duration(to: .now) > $0 } ?? false
            guard !isOver, state.left > 0, keepsGoing || state.failures == 0 else { return nil }
            state.left -= 1
            defer { state.next &+= 1 }
            return state.next
        }
    }
}
