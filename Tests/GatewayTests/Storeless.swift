import TestSupport
import Testing

extension Trait where Self == ConditionTrait {
    /// For a suite whose tests open no store: it does not run again with HTTPSMS_ENGINE=postgresql.
    static var storeless: Self {
        .disabled(if: Engine.usual == .postgresql, "it opens no store, and has run with the other engine")
    }
}
