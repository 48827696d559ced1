/// Arithmetic on numbers that come from outside: requests, files, headers, answers, stored rows, clocks.
///
/// Swift's operators end the process when a result does not fit, which would be an outage for everybody that one sender
/// can cause. These give the nearest number that fits instead. Counts that only this process makes may use the operators.
extension FixedWidthInteger {
    /// The sum, or the nearest number that fits.
    package func clampedAdding(_ other: Self) -> Self {
        let (sum, overflows) = addingReportingOverflow(other)
        return overflows ? (other < 0 ? .min : .max) : sum
    }

    /// The difference, or the nearest number that fits.
    package func clampedSubtracting(_ other: Self) -> Self {
        let (difference, overflows) = subtractingReportingOverflow(other)
        return overflows ? (other < 0 ? .max : .min) : difference
    }

    /// The product, or the nearest number that fits.
    package func clampedMultiplying(by other: Self) -> Self {
        let (product, overflows) = multipliedReportingOverflow(by: other)
        return overflows ? ((self < 0) == (other < 0) ? .max : .min) : product
    }

    /// The whole part of a floating-point number, or the nearest number that fits; 0 for what is not a number.
    package init(clamping number: Double) {
        // Double(Self.max) is rounded up to a number that does not fit, so that the comparison must exclude it.
        if number >= Double(Self.max) {
            self = .max
        } else if number <= Double(Self.min) {
            self = .min
        } else {
            self = number.isNaN ? 0 : Self(number)
        }
    }
}

extension Sequence where Element: FixedWidthInteger {
    /// The sum of the elements, clamped at each step; 0 when there are none.
    package func clampedSum() -> Element { reduce(0) { $0.clampedAdding($1) } }
}
