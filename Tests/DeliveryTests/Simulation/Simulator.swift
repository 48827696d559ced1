import Secrets
import Storage
import Timestamps

@testable import Delivery

/// Runs seeds, one after the other on one database.
struct Simulator {
    private let store: SimulatedStore
    private let endpoints: EndpointQueries

    init() throws {
        store = try SimulatedStore(DeliveryMigrations.all)
        endpoints = EndpointQueries(keyring: try Keyring(masterKey: [UInt8](0..<32)))
    }

    /// What came of a seed.
    struct Run {
        let seed: UInt64
        let violation: Violation?
        let steps: Int
        let time: Duration
        let counts: [String: Int]
        /// The last steps, when they were asked for.
        let trace: [String]

        /// The last steps, for a person.
        func table(_ count: Int = 100) -> String {
            "seed \(seed), \(steps) steps, \(time.seconds) s: \(violation.map { "\($0)" } ?? "all is well")\n"
                + trace.suffix(count).joined(separator: "\n")
        }
    }

    /// Runs the engine, or a twin of it, under `seed`.
    func run(_ seed: UInt64, _ twin: Twin? = nil, isTracing: Bool = false) -> Run {
        let simulation = Simulation(
            seed: seed, twin: twin, store: store, endpointQueries: endpoints, isTracing: isTracing)
        var violation: Violation?
        do {
            violation = try simulation.run()
        } catch {
            violation = Violation(invariant: .transactions, words: "\(error)")
        }
        return Run(
            seed: seed, violation: violation, steps: simulation.steps, time: simulation.now, counts: simulation.counts,
            trace: simulation.trace)
    }
}

extension Simulator {
    /// The run that convicts `twin` of what it breaks, under a seed that the engine itself passes: one of `known`, or one of
    /// the first 1,000; nil when none does.
    func conviction(of twin: Twin, known: [UInt64] = []) -> Run? {
        for seed in known + (1...1_000) {
            let run = run(seed, twin)
            guard let violation = run.violation, twin.breaks.contains(violation.invariant) else { continue }
            if self.run(seed).violation == nil { return run }
        }
        return nil
    }
}

/// What many runs did.
struct Summary: CustomStringConvertible {
    private var runs = 0
    private var steps = 0
    private var time: Duration = .zero
    private var counts: [String: Int] = [:]

    mutating func add(_ run: Simulator.Run) {
        runs += 1
        steps += run.steps
        time += run.time
        counts.merge(run.counts) { $0 + $1 }
    }

    var description: String {
        let faults = counts.sorted { $0.key < $1.key }.map { "\($0.value) x \($0.key)" }.joined(separator: ", ")
        return "\(runs) seeds, \(steps) steps, \(time.microseconds / 3_600_000_000) hours: \(faults)"
    }
}
