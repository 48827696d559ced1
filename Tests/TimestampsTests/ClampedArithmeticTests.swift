import Testing

@testable import Timestamps

/// Arithmetic on numbers from outside gives the nearest number that fits, and never traps.
struct ClampedArithmeticTests {
    @Test(
        arguments: [
            (0, 0, 0), (1, 2, 3), (.max, 1, .max), (.max, .max, .max), (.min, -1, .min), (.min, .min, .min),
            (.max, .min, -1), (.min, .max, -1),
        ] as [(Int64, Int64, Int64)])
    func sums(left: Int64, right: Int64, sum: Int64) {
        #expect(left.clampedAdding(right) == sum)
    }

    @Test(
        arguments: [
            (0, .min, .max), (-1, .max, .min), (-2, .max, .min), (.min, 1, .min), (.max, -1, .max), (5, 7, -2),
            (-1, .min, .max),
        ] as [(Int64, Int64, Int64)])
    func differences(left: Int64, right: Int64, difference: Int64) {
        #expect(left.clampedSubtracting(right) == difference)
    }

    @Test(
        arguments: [
            (3, 4, 12), (.max, 2, .max), (.max, -2, .min), (.min, 2, .min), (.min, -1, .max), (.min, 0, 0),
            (-3, 4, -12),
        ] as [(Int64, Int64, Int64)])
    func products(left: Int64, right: Int64, product: Int64) {
        #expect(left.clampedMultiplying(by: right) == product)
    }

    @Test(
        arguments: [
            (0, 0), (1.9, 1), (-1.9, -1), (.nan, 0), (.infinity, .max), (-.infinity, .min), (1e308, .max),
            (-1e308, .min),
            (9_223_372_036_854_775_808, .max), (-9_223_372_036_854_775_808, .min),
            (9_223_372_036_854_774_784, 9_223_372_036_854_774_784),
        ] as [(Double, Int64)])
    func wholeNumbersOfFloatingPoint(number: Double, whole: Int64) {
        #expect(Int64(clamping: number) == whole)
    }

    @Test func unsignedNumbersEndAtZero() {
        #expect(UInt8(3).clampedSubtracting(4) == 0)
        #expect(UInt8(200).clampedAdding(100) == 255)
        #expect(UInt8(200).clampedMultiplying(by: 2) == 255)
        #expect([UInt8(200), 100].clampedSum() == 255)
        #expect([Int64]().clampedSum() == 0)
    }

    @Test(
        arguments: [
            (.zero, 0, 0, 0), (.nanoseconds(1_999), 1_999, 1, 0), (.nanoseconds(-1_999), -1_999, -1, 0),
            (.seconds(Int64.max), .max, .max, .max), (.seconds(Int64.min), .min, .min, .min),
            (.seconds(9_223_372_037), .max, 9_223_372_037_000_000, 9_223_372_037_000),
        ] as [(Duration, Int64, Int64, Int64)])
    func lengthsOfTime(duration: Duration, nanoseconds: Int64, microseconds: Int64, milliseconds: Int64) {
        #expect(duration.nanoseconds == nanoseconds)
        #expect(duration.microseconds == microseconds)
        #expect(duration.milliseconds == milliseconds)
    }
}
