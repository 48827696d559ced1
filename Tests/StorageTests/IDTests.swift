import Storage
import Testing
import Timestamps

struct IDTests {
    private enum Thing {}

    @Test func theLayoutIsThatOfUUIDVersion7() {
        // The example of RFC 9562, appendix A.6.
        let instant = Timestamp(rfc3339: "2022-02-22T19:22:22.000Z")!

        let text = UUIDText.version7(at: instant, high: 0xcc3, low: 0x18c4_dc0c_0c07_398f)

        #expect(text == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
    }

    @Test func excessRandomBitsTouchNeitherTimeNorVersion() {
        let text = UUIDText.version7(at: Timestamp(microseconds: 0), high: .max, low: .max)

        #expect(text == "00000000-0000-7fff-bfff-ffffffffffff")
    }

    @Test func laterIdsSortLater() {
        let ids = (0..<100).map { ID<Thing>(at: Timestamp(microseconds: Int64($0) * 1_000)) }

        #expect(ids == ids.sorted())
        #expect(Set(ids).count == ids.count)
    }

    @Test func idsOfOneInstantDiffer() {
        let now = Timestamp(microseconds: 1)

        #expect(Set((0..<1_000).map { _ in ID<Thing>(at: now) }).count == 1_000)
    }

    @Test(
        arguments: [
            ("017F22E2-79B0-7CC3-98C4-DC0C0C07398F", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"),
            ("32343a19-da5e-4b1b-a767-3298a73703cb", "32343a19-da5e-4b1b-a767-3298a73703cb"),
            ("00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000"),
            ("", nil),
            ("32343a19da5e4b1ba7673298a73703cb", nil),
            ("32343a19-da5e-4b1b-a767-3298a73703c", nil),
            ("32343a19-da5e-4b1b-a767-3298a73703cb0", nil),
            ("32343a19-da5e-4b1b-a767-3298a73703cg", nil),
            ("{32343a19-da5e-4b1b-a767-3298a73703cb}", nil),
            ("32343a19--a5e-4b1b-a767-3298a73703cb", nil),
            ("32343a190da5e-4b1b-a767-3298a73703cb", nil),
            ("", nil),
        ] as [(String, String?)])
    func outsideIdsAreReadInOneForm(text: String, expected: String?) {
        #expect(ID<Thing>(text)?.text == expected)
    }
}
