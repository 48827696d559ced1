import Secrets
import Storage
import TestSupport
import Testing

@testable import Delivery

struct KeyringTests {
    private let keyring: Keyring
    private let other: Keyring
    private let place = Keyring.Place("endpoint", "signing_key", "row-1", UserID("user-1"))

    init() throws {
        keyring = try Keyring(masterKey: [UInt8](0..<32))
        other = try Keyring(masterKey: [UInt8](1..<33))
    }

    @Test(arguments: ["", "k", "a signing key", "ключ 🔑", "with\u{0}nul", String(repeating: "x", count: 10_000)])
    func whatWasSealedOpensAgain(text: String) throws {
        #expect(try keyring.open(keyring.seal(text, at: place), at: place) == text)
    }

    @Test func theSameTextIsNeverSealedToTheSameBytes() throws {
        #expect(try keyring.seal("key", at: place) != keyring.seal("key", at: place))
    }

    @Test(arguments: [
        Keyring.Place("user", "signing_key", "row-1", UserID("user-1")),
        Keyring.Place("endpoint", "api_key", "row-1", UserID("user-1")),
        Keyring.Place("endpoint", "signing_key", "row-2", UserID("user-1")),
        Keyring.Place("endpoint", "signing_key", "row-1", UserID("user-2")),
    ])
    func itDoesNotOpenInAnotherPlace(elsewhere: Keyring.Place) throws {
        let sealed = try keyring.seal("key", at: place)

        #expect(throws: Keyring.Unreadable.self) { try keyring.open(sealed, at: elsewhere) }
    }

    @Test func itDoesNotOpenUnderAnotherKey() throws {
        let sealed = try keyring.seal("key", at: place)

        #expect(throws: Keyring.Unreadable.self) { try other.open(sealed, at: place) }
    }

    @Test func anyChangedByteKeepsItShut() throws {
        let sealed = try keyring.seal("key", at: place)

        for index in sealed.indices {
            var altered = sealed
            altered[index] ^= 1
            #expect(throws: Keyring.Unreadable.self, "byte \(index)") { try keyring.open(altered, at: place) }
        }
    }

    @Test func anyCutKeepsItShut() throws {
        let sealed = try keyring.seal("key", at: place)

        for count in 0..<sealed.count {
            #expect(throws: Keyring.Unreadable.self, "\(count) bytes") {
                try keyring.open(Array(sealed.prefix(count)), at: place)
            }
        }
    }

    @Test(arguments: [0, 31, 33])
    func aKeyHas32Bytes(byteCount: Int) {
        #expect(throws: InvalidMasterKey.self) {
            try Keyring(masterKey: [UInt8](repeating: 1, count: byteCount))
        }
    }

    @Test(arguments: Engine.enabled) func theFirstKeyToLookAtAStoreIsTheOneItKeeps(engine: Engine) async throws {
        try await withStore(engine, migrations: DeliveryMigrations.all) { [keyring, other] store in
            try await store.write { tx in _ = try keyring.settled(activates: false, in: tx) }

            try await store.write { tx in _ = try keyring.settled(activates: false, in: tx) }
            await #expect(throws: WrongMasterKey.self) {
                try await store.write { tx in _ = try other.settled(activates: false, in: tx) }
            }
            let rows = try await store.read { tx in
                try tx.value("SELECT COUNT(*) AS value FROM master_key_check", as: Int.self)
            }
            #expect(rows == 1)
        }
    }

    @Test(arguments: Engine.enabled) func anAlteredCheckRowRefusesTheRightKey(engine: Engine) async throws {
        try await withStore(engine, migrations: DeliveryMigrations.all) { [keyring] store in
            try await store.write { tx in
                _ = try keyring.settled(activates: false, in: tx)
                try tx.run("UPDATE master_key_check SET ciphertext = \([UInt8](repeating: 7, count: 80))")
            }

            await #expect(throws: WrongMasterKey.self) {
                try await store.write { tx in _ = try keyring.settled(activates: false, in: tx) }
            }
        }
    }
}
