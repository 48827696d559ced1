import Foundation
import Storage
import TestSupport
import Testing

@testable import Gateway

/// Rows that hold anything that has 64 bits are read, listed and shown: nothing that is stored ends the server.
///
/// A store with something in every feature is filled once; then, for each extreme and each of a few groups of tables, a server is
/// started on a copy in which their integer columns hold it, and everything that can be read is read. `make soak` takes table by
/// table.
@Suite(.timeLimit(.minutes(15))) struct PoisonedRowTests {
    @Test(arguments: [Int64.min, .max, -1, 9_007_199_254_740_993])
    func everyTimeAndCountMayHoldAnything(extreme: Int64) async throws {
        try await reading(extreme, of: { !FilledStore.codes.contains($0) }) { tables, path, answer in
            #expect(answer.status < 500, "\(tables) \(path): \(answer.text.prefix(300))")
        }
    }

    /// A code that no version knows cannot be shown as anything; its rows are refused with words, and the rest goes on.
    @Test(arguments: [Int64.min, .max])
    func aCodeThatNobodyKnowsEndsNothing(extreme: Int64) async throws {
        try await reading(extreme, of: FilledStore.codes.contains) { tables, path, answer in
            #expect([200, 404, 500].contains(answer.status), "\(tables) \(path): \(answer.text.prefix(300))")
        }
    }

    private func reading(
        _ extreme: Int64, of isPoisoned: @escaping @Sendable (String) -> Bool,
        _ check: @escaping @Sendable (_ tables: [String], _ path: String, APIClient.Answer) -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let filled = try await FilledStore.make(in: directory + "/filled")
            let columns = try filled.integerColumns().mapValues { $0.filter(isPoisoned) }
            for tables in Self.groups(of: columns.filter { !$0.value.isEmpty }.keys.sorted()) {
                let copy = "\(directory)/copy"
                try filled.copy(to: copy)
                defer { try? FileManager.default.removeItem(atPath: copy) }
                // What the schema itself refuses, such as a second row with one key, cannot be stored either.
                let count = try tables.reduce(0) { count, table in
                    try count + FilledStore.poison(table, columns[table] ?? [], with: extreme, in: copy)
                }
                if count == 0 { continue }
                try await withServer(FilledStore.sqlite(copy), in: copy, clock: filled.clock) { server in
                    let (api, page) = (server.client(key: filled.apiKey), filled.pageClient(server))
                    for path in filled.paths {
                        check(tables, path, path.hasPrefix("/v1/") ? try await api.get(path) : try await page.get(path))
                    }
                    #expect(try await server.client.get("/health").status == 200, "\(tables)")
                }
            }
        }
    }

    /// Neighbours in the order of their names, as they often belong to one feature, are in different groups.
    private static func groups(of tables: [String]) -> [[String]] {
        let count = isSoak ? tables.count : 6
        return (0..<count).map { group in stride(from: group, to: tables.count, by: count).map { tables[$0] } }
    }
}
