import Synchronization

/// The callback URLs that attempts go to, each parsed once instead of at every attempt: 60,000 instructions of the 700,000
/// that a delivery took.
///
/// Holds 1,024 texts of at most ``CallbackURL/maximumLength`` bytes. When it is full it starts afresh: an account with very
/// many webhooks costs the others that their URLs are parsed again.
final class CallbackURLs: Sendable {
    private static let limit = 1_024

    private let known = Mutex<[String: CallbackURL]>([:])

    /// `text` as a URL.
    ///
    /// - Throws: ``CallbackURLError``, which is not remembered.
    func url(_ text: String) throws(CallbackURLError) -> CallbackURL {
        if let url = known.withLock({ $0[text] }) { return url }
        let url = try CallbackURL(text)
        known.withLock { known in
            if known.count >= Self.limit { known = [:] }
            known[text] = url
        }
        return url
    }

    /// How many are remembered.
    var count: Int { known.withLock { $0.count } }
}
