import Testing

extension Trait where Self == ConditionTrait {
    /// For a suite that is the same on each engine: what reads requests, files and settings, speaks with other programs, or asks for
    /// nothing that other suites do not ask on both. It does not run again with HTTPSMS_ENGINE=postgresql, but in `make soak`.
    package static var onOneEngine: Self {
        .disabled(
            if: Engine.usual == .postgresql && !isSoak,
            "it is the same on each engine, and has run with the other one")
    }
}
