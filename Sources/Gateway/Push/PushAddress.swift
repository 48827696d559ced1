/// Where a push reaches a phone: what its app gave as `fcm_token`.
package struct PushAddress: Hashable, Sendable {
    /// What the app gave, and what its service knows the phone by.
    package let text: String

    /// Who takes a push to it.
    package var kind: PushKind { .firebase }

    /// Whether it looks like one that a service gave. Programs of one's own write what they like there.
    var isOfService: Bool {
        switch kind {
        case .firebase:
            text.utf8.count >= Self.shortestToken
                && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_:".contains($0)) }
        }
    }

    /// 100 characters: Firebase's tokens have 140 and more, and people make up less.
    static let shortestToken = 100
}

/// A service that takes pushes; ``PushFeature`` has the ``PushTransport`` of each. A server has some of them: what the operator
/// set up.
package enum PushKind: String, CaseIterable, Sendable {
    /// Firebase Cloud Messaging, which wakes the httpSMS app.
    case firebase = "Firebase"

    /// What people call it.
    package var name: String { rawValue }
}
