import Storage
import TestSupport
import Testing

@testable import Gateway
@testable import Server

/// What `httpsms doctor` says of PostgreSQL's settings.
@Suite(.timeLimit(.minutes(15))) struct PostgresDurabilityTests {
    private static let settings: [(PostgresDurability, [String])] = [
        (PostgresDurability(), []),
        (PostgresDurability(synchronousCommit: "local"), []),
        (PostgresDurability(synchronousCommit: "remote_apply", hasSynchronousStandby: true), []),
        (PostgresDurability(hasSynchronousStandby: true), []),
        (PostgresDurability(synchronousCommit: "off"), ["synchronous_commit is off"]),
        (
            PostgresDurability(synchronousCommit: "local", hasSynchronousStandby: true), ["synchronous_commit is local"]
        ),
        (
            PostgresDurability(synchronousCommit: "remote_write", hasSynchronousStandby: true),
            ["synchronous_commit is remote_write"]
        ),
        (PostgresDurability(flushes: false), ["fsync is off"]),
        (PostgresDurability(writesFullPages: false), ["full_page_writes is off"]),
        (
            PostgresDurability(synchronousCommit: "off", flushes: false, writesFullPages: false),
            ["fsync is off", "full_page_writes is off", "synchronous_commit is off"]
        ),
    ]

    @Test(arguments: settings) func eachSettingThatLosesSomethingIsNamed(
        settings: PostgresDurability, expected: [String]
    ) {
        #expect(settings.losses.map { $0.prefix { $0 != ":" } } == expected.map { $0[...] })
    }

    @Test(.enabled(if: Engine.enabled.contains(.postgresql))) func theSettingsOfTheServersConnectionCount() async throws
    {
        try await withStore(.postgresql) { store in
            let found = try await store.write { tx in
                try tx.run("SET LOCAL synchronous_commit = off")
                return try PostgresDurability(in: tx)
            }
            #expect(found.synchronousCommit == "off" && !found.hasSynchronousStandby)

            let words = try await Commands.durability(in: store).map(\.description)
            #expect(words.allSatisfy { $0.contains("postgresql: ") && !$0.contains("synchronous_commit") })
        }
    }
}
