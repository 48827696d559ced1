import Delivery
import Foundation
import Secrets
import Storage
import Synchronization
import TestSupport
import Testing
import Timestamps
import Wire

@testable import Gateway
@testable import Server

/// The way of a store from one master key to another.
@Suite(.timeLimit(.minutes(15))) struct MasterKeyRotationTests {
    private static let (old, new) = ([UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 32))
    private static let newest = [UInt8](repeating: 3, count: 32)

    private struct Stop: Error {}

    /// Every sealed value of a store, by the id of the key that made it.
    private static func keyIDs(of store: any Store) async throws -> [String: Int] {
        try await store.read { tx in
            var counts: [String: Int] = [:]
            let columns = try tx.rows("SELECT table_name, column_name FROM \(.columns) AS columns")
            for column in columns {
                let table = SQL(stringLiteral: try column.get("table_name", as: String.self))
                let name = SQL(stringLiteral: try column.get("column_name", as: String.self))
                for row in try tx.rows("SELECT \(name) AS value FROM \(table)") {
                    guard case .blob(let bytes)? = try row.find("value", as: SQLValue.self), bytes.count >= 37,
                        bytes[0] == 1
                    else { continue }
                    counts[bytes[1..<9].map { String($0) }.joined(separator: ","), default: 0] += 1
                }
            }
            return counts
        }
    }

    /// Users, phone keys, forwarders, webhooks with two keys, and kept answers.
    private static func fill(_ store: any Store, _ keyring: Keyring, count: Int) async throws {
        let identities = Identities(store: store)
        let endpoints = EndpointQueries(keyring: keyring)
        let users = UserOperations(
            store: store, queries: UserQueries(keyring: keyring), identities: identities, endpoints: endpoints)
        for number in 0..<3 {
            let user = try await users.create(email: "\(number)@example.com", id: "user\(number)", apiKey: nil)
            try await store.write { tx in
                _ = try PhoneAPIKeyQueries(keyring: keyring).insert(
                    PhoneAPIKeyID(at: tx.now), name: "phone", apiKey: "pk_\(number)", userID: user.id, in: tx)
                try ForwarderQueries(keyring: keyring).insert(
                    SMSForwarder(
                        id: ForwarderID(at: tx.now), userID: user.id, name: "app", preset: .generic, numbers: [],
                        template: nil, token: Secret("in_\(number)"), lastRequestAt: nil, createdAt: tx.now), in: tx)
                var endpoint = Endpoint(
                    id: EndpointID(at: tx.now), userID: user.id, url: "http://example.com",
                    signingKey: Secret("secret"), eventTypes: [], owners: [], createdAt: tx.now, updatedAt: tx.now)
                endpoint.headers = EndpointHeaders(
                    fields: [.init(name: "X-Api-Key", value: Secret("value"))],
                    basic: .init(user: "user", password: Secret("password")))
                try endpoints.insert(endpoint, in: tx)
                endpoint.previousSigningKey = RetiringKey(key: Secret("before"), expiresAt: tx.now + .seconds(60))
                try endpoints.update(endpoint, in: tx)
                for answer in 0..<count {
                    try tx.run(
                        """
                        INSERT INTO idempotency_key (user_id, idempotency_key, digest, status, answer, created_at)
                        VALUES (
                            \(user.id), \("key\(answer)"), \([UInt8(0)]), 200,
                            \(try keyring.seal("{}", at: .init("idempotency_key", "answer", "key\(answer)", user.id))),
                            \(tx.now))
                        """)
                }
            }
        }
    }

    @Test(arguments: Engine.enabled) func everySealedValueIsSealedAgainAfterAnInterruptionToo(engine: Engine)
        async throws
    {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            let before = try Keyring(masterKey: Self.old)
            _ = try await store.write { tx in try before.settled(activates: true, in: tx) }
            try await Self.fill(store, before, count: 150)
            let total = try await Self.keyIDs(of: store)
            let both = try Keyring(masterKey: Self.new, other: Self.old)
            _ = try await store.write { tx in try both.settled(activates: true, in: tx) }
            let reports = Mutex(0)

            // Ends in the middle of the answers, as a kill would; what came from the server meanwhile has the new key.
            let stopped = Task {
                try await MasterKeyRotation(store: store, keyring: both) { _ in
                    if reports.withLock({
                        $0 += 1; return $0
                    }) == 4 {
                        withUnsafeCurrentTask { $0?.cancel() }
                    }
                }.run()
            }
            _ = await stopped.result
            async let first = MasterKeyRotation(store: store, keyring: both) { _ in }.run()
            async let second = MasterKeyRotation(store: store, keyring: both) { _ in }.run()
            #expect(try await [first, second] == [0, 0])

            let after = try await Self.keyIDs(of: store)
            #expect(total.count == 1 && after.count == 1 && total.keys != after.keys)
            #expect(total.values.first == after.values.first)
            let alone = try Keyring(masterKey: Self.new)
            _ = try await store.write { tx in try alone.settled(activates: false, in: tx) }
            let opened = try await store.read { tx in
                (
                    try UserQueries(keyring: alone).find(UserID("user1"), in: tx) != nil,
                    try EndpointQueries(keyring: alone).list(
                        userID: UserID("user1"), containing: "", skip: 0, limit: 10, in: tx)
                )
            }
            #expect(opened.0)
            #expect(opened.1.map(\.signingKey) == [Secret("secret")])
            #expect(opened.1.map { $0.previousSigningKey?.key } == [Secret("before")])
            await #expect(throws: WrongMasterKey.self) {
                try await store.write { tx in _ = try before.settled(activates: true, in: tx) }
            }
        }
    }

    @Test(arguments: Engine.enabled) func aKeyIsOnlyUsedOnceAServerSaysSo(engine: Engine) async throws {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            let before = try Keyring(masterKey: Self.old)
            let both = try Keyring(masterKey: Self.new, other: Self.old)
            let wrong = try Keyring(masterKey: Self.new, other: [UInt8](repeating: 3, count: 32))

            let identifiers = try await store.write { tx in
                [
                    try before.settled(activates: true, in: tx).identifier,
                    try both.settled(activates: false, in: tx).identifier,
                    try both.settled(activates: true, in: tx).identifier,
                ]
            }
            #expect(identifiers == [before.identifier, before.identifier, both.identifier])
            for keyring in [before, wrong] {
                let error = await #expect(throws: WrongMasterKey.self) {
                    try await store.write { tx in _ = try keyring.settled(activates: true, in: tx) }
                }
                #expect(error?.isRotating == true)
            }
        }
    }

    /// The first of them may have told the operator to restart the server already.
    @Test func manyRotationsThatBeginAtOnceAgreeOnTheNewKey() async throws {
        try await withTemporaryDirectory { directory in
            let file = MasterKeyFile(databasePath: directory + "/a.sqlite")
            let first = try file.create()

            let seen = try await withThrowingTaskGroup(of: [[UInt8]]?.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        try file.addKey(before: first)
                        return try file.read()
                    }
                }
                return try await group.reduce(into: Set<[[UInt8]]?>()) { $0.insert($1) }
            }

            #expect(seen == [try file.read()])
        }
    }

    @Test func whatStandsInThePlaceOfTheKeyFileIsNeitherWaitedForNorRead() async throws {
        try await withTemporaryDirectory { directory in
            for path in [try OddFiles.pipe(in: directory), try OddFiles.large(in: directory)] {
                try FileManager.default.moveItem(atPath: path, toPath: path + ".key")

                #expect(throws: MasterKeyFileError.self) { try MasterKeyFile(databasePath: path).read() }
            }
        }
    }

    @Test func theKeyFileHoldsBothKeysMeanwhileAndKeepsTheOldOneApart() async throws {
        try await withTemporaryDirectory { directory in
            let file = MasterKeyFile(databasePath: directory + "/a.sqlite")
            let first = try file.create()
            try file.addKey(before: first)
            let pair = try #require(try file.read())
            #expect(pair.count == 2 && pair[1] == first && pair[0] != first)

            let kept = try file.retire(pair[1], keeping: pair[0])

            #expect(try file.read() == [pair[0]])
            #expect(try Keyring.masterKey(String(contentsOfFile: kept, encoding: .utf8).trimmed) == first)
        }
    }

    /// A run was stopped between any two of its transactions; another one finished, and a server uses a third key since.
    @Test(arguments: Engine.enabled) func anOvertakenRunChangesNothing(engine: Engine) async throws {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            let first = try Keyring(masterKey: Self.old)
            let second = try Keyring(masterKey: Self.new, other: Self.old)
            let third = try Keyring(masterKey: Self.newest, other: Self.new)
            _ = try await store.write { tx in try first.settled(activates: true, in: tx) }
            _ = try await store.write { tx in try second.settled(activates: true, in: tx) }
            let overtaken = MasterKeyRotation(store: store, keyring: second) { _ in }
            _ = try await MasterKeyRotation(store: store, keyring: second) { _ in }.run()
            _ = try await store.write { tx in try third.settled(activates: true, in: tx) }
            try await Self.fill(store, third, count: 1)
            let sealed = try await Self.keyIDs(of: store)

            await #expect(throws: RotationError.self) { try await overtaken.run() }
            await #expect(throws: RotationError.self) { try await overtaken.forgetOther() }
            // What it would do if nothing looked first.
            try await store.write { tx in try second.forgetOther(in: tx) }

            #expect(try await Self.keyIDs(of: store) == sealed)
            let settled = try await store.write { tx in try third.settled(activates: false, in: tx).identifier }
            #expect(settled == third.identifier)
            let error = await #expect(throws: WrongMasterKey.self) {
                try await store.write { tx in _ = try second.settled(activates: false, in: tx) }
            }
            #expect(error?.identifier == third.identifier)
        }
    }

    @Test(arguments: Engine.enabled) func theDoctorCountsValuesThatNoKeyOpens(engine: Engine) async throws {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            let lost = try Keyring(masterKey: Self.newest, other: Self.old)
            let here = try Keyring(masterKey: Self.new, other: Self.old)
            let before = try Keyring(masterKey: Self.old)
            _ = try await store.write { tx in try before.settled(activates: true, in: tx) }
            try await Self.fill(store, lost, count: 150)

            #expect(try await Commands.sealedValues(lost, in: store).isEmpty)
            let findings = try await Commands.sealedValues(here, in: store)
            #expect(findings.map(\.isProblem) == [true])
            let text = findings.first?.text ?? ""
            // 150 answers of each of three accounts, on more than one page.
            #expect(text.contains("450 of answer in idempotency_key"), "\(text)")
            #expect(text.contains("3 of headers in endpoint"), "\(text)")
        }
    }

    @Test func anOvertakenRunLeavesTheKeyFileOfTheNextRotation() async throws {
        try await withTemporaryDirectory { directory in
            let file = MasterKeyFile(databasePath: directory + "/a.sqlite")
            let first = try file.create()
            try file.addKey(before: first)
            // Both runs read this.
            let pair = try #require(try file.read())
            let kept = try file.retire(pair[1], keeping: pair[0])
            #expect(try file.retire(pair[1], keeping: pair[0]) == kept, "the other run did it")

            try file.addKey(before: pair[0])
            let next = try #require(try file.read())
            #expect(throws: MasterKeyFileError.self) { try file.retire(pair[1], keeping: pair[0]) }
            #expect(try file.read() == next)
            #expect(next.count == 2 && next[1] == pair[0])

            _ = try file.retire(next[1], keeping: next[0])
            #expect(throws: MasterKeyFileError.self) { try file.retire(pair[1], keeping: pair[0]) }
            #expect(try file.read() == [next[0]])
            #expect(try Keyring.masterKey(String(contentsOfFile: kept, encoding: .utf8).trimmed) == first)
        }
    }
}
