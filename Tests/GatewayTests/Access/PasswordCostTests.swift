import Storage
import TestSupport
import Testing

@testable import Gateway

/// What a guess at a password costs is stored with each, so that it can be changed.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct PasswordCostTests {
    @Test func whatIsStoredBeginsWithItsCost() async throws {
        let stored = try await Passwords(cost: .standard).hash("correct horse", in: .first)

        #expect(stored.hasPrefix("scrypt$32768$8$3$"))
    }

    @Test(arguments: [(PasswordCost.standard, PasswordCost.none), (.none, .standard)])
    func aPasswordIsCheckedAtTheCostItWasStoredWith(_ before: PasswordCost, _ now: PasswordCost) async throws {
        let stored = try await Passwords(cost: before).hash("correct horse", in: .first)
        let passwords = Passwords(cost: now)

        #expect(try await passwords.verify("correct horse", against: stored, in: .first))
        #expect(try await passwords.verify("battery staple", against: stored, in: .first) == false)
        #expect(try await passwords.verify("correct horse", against: nil, in: .first) == false)
    }

    @Test(arguments: [
        "scrypt$65536$8$3", "scrypt$32768$9$3", "scrypt$32768$8$4", "scrypt$12345$8$3", "scrypt$1$8$3", "scrypt$0$8$3",
        "scrypt$-16$8$3", "scrypt$32768$0$3", "scrypt$9223372036854775807$8$3", "scrypt$99999999999999999999$8$3",
        "scrypt$32768$8", "scrypt$32768$8$3$4", "scrypt$$8$3", "argon2id$32768$8$3", "",
    ])
    func whatIsNoCostOrMoreThanOursIsCorrupt(_ cost: String) async throws {
        await #expect(throws: StorageError.self) {
            try await Passwords(cost: .none)
                .verify("correct horse", against: "\(cost)$AAAAAAAAAAAAAAAAAAAAAA==$AAAA", in: .first)
        }
    }
}
