import Storage
import Testing

struct PostgresConnectionTests {
    @Test func aServerThatIsNotThereIsSaidInWords() async throws {
        let error = await #expect(throws: StorageError.self) {
            _ = try await PostgresStore.open(url: "postgresql://nobody@127.0.0.1:1/nowhere", connections: 1)
        }
        guard case .unavailable(let words) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(words.contains("127.0.0.1") && words.contains("refused"), "\(words)")
    }
}
