import TestSupport
import Testing

extension Trait where Self == ConditionTrait {
    /// For a suite that is the same on each engine, as it opens no store or has no SQL of its own: what reads requests, files and
    /// settings, or speaks with other programs. It does not run again with HTTPSMS_ENGINE=postgresql.
    static var onOneEngine: Self {
        .disabled(if: Engine.usual == .postgresql, "it is the same on each engine, and has run with the other one")
    }
}
