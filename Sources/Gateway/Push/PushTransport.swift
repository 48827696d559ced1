/// A service that takes what a phone is to be told.
protocol PushTransport: Sendable {
    /// Hands it one push for the phone that it knows by `address`. Takes a bounded time.
    func send(_ push: Push, to address: String) async -> PushAnswer
}

/// What came of handing over a push.
enum PushAnswer: Sendable, Hashable {
    /// The service has it.
    case taken
    /// The app was removed, or has another token by now.
    case tokenIsDead(String)
    /// The service will never take it.
    case refused(String)
    /// The phone's token belongs to another project than this server's account, and always will.
    case foreignToken(String)
    /// The service does not take this server's account, until somebody gives it the right one.
    case unauthorized(String)
    /// It may go through later, `after` that time at the soonest.
    case failed(String, after: Duration?)

    /// What came of a push, as metrics call it.
    enum Outcome: String, CaseIterable {
        case taken, refused, unauthorized, failed
        case deadToken = "dead_token"
        case foreignToken = "foreign_token"
    }

    var outcome: Outcome {
        switch self {
        case .taken: .taken
        case .tokenIsDead: .deadToken
        case .refused: .refused
        case .foreignToken: .foreignToken
        case .unauthorized: .unauthorized
        case .failed: .failed
        }
    }
}
