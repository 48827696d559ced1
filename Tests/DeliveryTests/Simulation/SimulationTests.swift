import Foundation
import TestSupport
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

    @Test(arguments: seeds["fault"] ?? []) func aSeedThatFoundAFaultHolds(seed: UInt64) async throws {
        let violation = try await computing { try Simulator().run(seed).violation.map { "\($0)" } }
        #expect(violation == nil, "make simulate SEED=\(seed)")
    }

    @Test func aSeedHolds() async throws {
        let violations = try await computing {
            let simulator = try Simulator()
            return (1...40 as ClosedRange<UInt64>).compactMap { seed in
                simulator.run(seed).violation.map { "make simulate SEED=\(seed): \($0)" }
            }
        }
        #expect(violations.isEmpty)
    }

    @Test(.enabled(if: isRepeatable), arguments: 1...5 as ClosedRange<UInt64>)
    func aSeedDecidesEverything(seed: UInt64) async throws {
        let isRepeated = try await computing {
            let simulator = try Simulator()
            let runs = (0..<2).map { _ in simulator.run(seed, isTracing: true) }
            return runs[0].trace == runs[1].trace && runs[0].steps == runs[1].steps
        }
        #expect(isRepeated)
    }

    /// How the checks are checked: without one of its rules the engine breaks what the rule is for.
    @Test(arguments: Twin.allCases) func aTwinIsConvicted(twin: Twin) async throws {
        let known = Self.seeds[twin.rawValue] ?? []
        let (seed, violation) = try await computing {
            let run = try Simulator().conviction(of: twin, known: known)
            return (run?.seed, run?.violation.map { "\($0)" })
        }

        print("twin \(twin.rawValue): seed \(seed ?? 0): \(try #require(violation, "no seed convicts it"))")
    }

    @Test func everyInvariantHasATwinThatBreaksIt() {
        let broken = Twin.allCases.reduce(into: Set<Invariant>()) { $0.formUnion($1.breaks) }
        #expect(broken == Set(Invariant.allCases).subtracting([.transactions]))
    }
}
