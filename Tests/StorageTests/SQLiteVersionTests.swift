import Storage
import Testing

struct SQLiteVersionTests {
    @Test(
        arguments: [
            (3_006_023, "3.6.23", false), (3_007_000, "3.7.0", true), (3_040_001, "3.40.1", true),
            (3_044_005, "3.44.5", true), (3_044_006, "3.44.6", false), (3_045_000, "3.45.0", true),
            (3_050_006, "3.50.6", true), (3_050_007, "3.50.7", false), (3_051_002, "3.51.2", true),
            (3_051_003, "3.51.3", false), (3_052_000, "3.52.0", false),
        ] as [(Int, String, Bool)])
    func theLogResetBugIsKnownByVersion(number: Int, text: String, isAffected: Bool) {
        let version = SQLiteVersion(number: number)

        #expect(version.description == text)
        #expect(version.hasLogResetBug == isAffected)
        #expect(version.advice.contains("3.51.3") == isAffected)
    }
}
