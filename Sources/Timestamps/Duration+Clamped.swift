extension Duration {
    /// Whole microseconds of this duration, anything finer dropped; the nearest number of 64 bits beyond 292,000 years.
    public var microseconds: Int64 { whole(perSecond: 1_000_000) }

    /// Whole milliseconds of this duration, anything finer dropped; the nearest number of 64 bits beyond 292 million years.
    package var milliseconds: Int64 { whole(perSecond: 1_000) }

    /// Nanoseconds of this duration, anything finer dropped; the nearest number of 64 bits beyond 292 years.
    package var nanoseconds: Int64 { whole(perSecond: 1_000_000_000) }

    private func whole(perSecond units: Int64) -> Int64 {
        let (seconds, attoseconds) = components
        return seconds.clampedMultiplying(by: units)
            .clampedAdding(attoseconds / (1_000_000_000_000_000_000 / units))
    }
}
