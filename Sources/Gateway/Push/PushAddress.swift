/// Where a push reaches a phone: what its app gave as `fcm_token`.
package struct PushAddress: Hashable, Sendable {
    /// What the app gave.
    package let text: String

    /// What its service knows the phone by.
    var token: String { text }

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

/// A service that takes pushes: what differs from one to the other, beside its ``PushTransport``, which ``PushFeature`` makes.
package enum PushKind: String, CaseIterable, Sendable {
    /// Firebase Cloud Messaging, which wakes the httpSMS app.
    case firebase = "Firebase"

    /// What people call it.
    package var name: String { rawValue }

    /// The app that listens to it, with its article.
    var app: String {
        switch self {
        case .firebase: "the httpSMS app"
        }
    }

    /// Whether a server with these settings can push through it.
    func isSetUp(by settings: SettingValues) -> Bool {
        switch self {
        case .firebase: settings.push != nil
        }
    }

    /// The setting that sets it up.
    package var setting: any AnySetting {
        switch self {
        case .firebase: SettingTable.table.firebaseCredentials
        }
    }

    /// What the system page says of ``setting``.
    package func state(in settings: SettingValues) -> String {
        switch self {
        case .firebase:
            let state = settings.firebaseCredentials == nil ? "not set" : "set"
            return settings.firebaseEndpoint == nil
                ? state : "\(state): \(SettingTable.table.firebaseEndpoint.variable) stands in for Firebase"
        }
    }

    /// What is wrong where it is not set up.
    var missing: String { "this server has no \(name) credentials" }

    /// What there is to do for a phone that listens to nothing else then.
    var remedy: String { "Connect the phone with the SMSGate app, or set \(setting.variable)." }

    /// What is said of a phone whose address belongs to somebody else's account at the service.
    var foreign: String {
        switch self {
        case .firebase:
            "The app on it was built with another Firebase project than the one of this server's credentials."
        }
    }

    /// What the owner of a phone does whose address reaches nobody, in httpSMS's words (phone_notification_service.go:145).
    var renewal: String {
        switch self {
        case .firebase: "Reinstall the httpSMS app on your Android phone."
        }
    }

    /// Where the documentation says what its answers mean.
    var helpPath: String {
        switch self {
        case .firebase: "/docs/push#firebase"
        }
    }
}
