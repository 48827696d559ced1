import Foundation

/// What one guess at a password costs: the parameters of scrypt (RFC 7914 section 2).
package struct PasswordCost: Sendable, Equatable {
    /// N, a power of two: how often a block of `128 * r` bytes is mixed, and how many of them are kept in memory.
    package let rounds: Int
    /// r.
    package let blockSize: Int
    /// p.
    package let parallelism: Int

    /// N = 2^15, r = 8, p = 3: the OWASP cheat sheet's choice with 32 MiB, a good part of a second.
    package static let standard = PasswordCost(rounds: 1 << 15, blockSize: 8, parallelism: 3)

    /// Next to nothing, for accounts that nobody attacks: those of tests.
    package static let none = PasswordCost(rounds: 1 << 4, blockSize: 8, parallelism: 1)

    private init(rounds: Int, blockSize: Int, parallelism: Int) {
        self.rounds = rounds
        self.blockSize = blockSize
        self.parallelism = parallelism
    }

    /// Reads what ``text`` wrote; nil for what is none, and for what would cost more than ``standard``.
    init?(_ text: String) {
        let parts = text.components(separatedBy: "$")
        let numbers = parts.dropFirst().compactMap { Int($0) }
        let standard = Self.standard
        guard parts.first == "scrypt", parts.count == 4, numbers.count == 3,
            (2...standard.rounds).contains(numbers[0]), numbers[0].nonzeroBitCount == 1,
            (1...standard.blockSize).contains(numbers[1]), (1...standard.parallelism).contains(numbers[2])
        else { return nil }
        self.init(rounds: numbers[0], blockSize: numbers[1], parallelism: numbers[2])
    }

    /// How it stands before each stored password: `scrypt$N$r$p`.
    var text: String { "scrypt$\(rounds)$\(blockSize)$\(parallelism)" }
}
