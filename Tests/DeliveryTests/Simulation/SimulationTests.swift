import Foundation
import Testing
import Timestamps

/// The delivery engine under simulated faults: the real decisions and the real statements, in a world that a seed decides.
///
/// Few seeds, as this code is not optimised; `make simulate` runs 1,000, or one again, or as many as an hour takes.
@Suite(.timeLimit(.minutes(10))) struct SimulationTests {
    /// Only then a seed means the same in every process: sets and dictionaries keep their order.
    static let isRepeatable = ProcessInfo.processInfo.environment["SWIFT_DETERMINISTIC_HASHING"] != nil

    /// `Fixtures/simulation-seeds.txt`: seeds that once found a fault, under `fault`, and one that convicts each twin.
    static let seeds: [String: [UInt64]] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../Fixtures/simulation-seeds.txt").standardized
        let lines = (try? String(contentsOf: file, encoding: .utf8))?.split(separator: "\n") ?? []
        let words = lines.map { $0.split(separator: " ").map(String.init) }.filter { $0.count > 1 && $0[0] != "#" }
        return Dictionary(words.map { ($0[0], $0[1...].compactMap(UInt64.init)) }, uniquingKeysWith: { $1 })
    }()

    @Test(arguments: seeds["fault"] ?? []) func aSeedThatFoundAFaultHolds(seed: UInt64) throws {
        #expect(try Simulator().run(seed).violation == nil, "make simulate SEED=\(seed)")
    }

    /// Two halves of the seeds, each on a core of its own.
    @Test(arguments: [0, 1] as [UInt64]) func aSeedHolds(half: UInt64) throws {
        let simulator = try Simulator()
        for seed in stride(from: 1 + half, through: 40, by: 2) {
            guard let violation = simulator.run(seed).violation else { continue }
            Issue.record("make simulate SEED=\(seed): \(violation)")
        }
    }

    @Test(.enabled(if: isRepeatable)) func aSeedDecidesEverything() throws {
        let simulator = try Simulator()
        for seed in 1...5 as ClosedRange<UInt64> {
            let runs = (0..<2).map { _ in simulator.run(seed, isTracing: true) }
            #expect(runs[0].trace == runs[1].trace)
            #expect(runs[0].steps == runs[1].steps)
        }
    }

    /// How the checks are checked: without one of its rules the engine breaks what the rule is for.
    @Test(arguments: Twin.allCases) func aTwinIsConvicted(twin: Twin) throws {
        let run = try Simulator().conviction(of: twin, known: Self.seeds[twin.rawValue] ?? [])

        let violation = try #require(run?.violation, "no seed convicts it")
        print("twin \(twin.rawValue): seed \(run?.seed ?? 0): \(violation)")
    }

    @Test func everyInvariantHasATwinThatBreaksIt() {
        let broken = Twin.allCases.reduce(into: Set<Invariant>()) { $0.formUnion($1.breaks) }
        #expect(broken == Set(Invariant.allCases).subtracting([.transactions]))
    }
}
