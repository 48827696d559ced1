import Storage
import Wire

/// A version of the SMSGate app, such as 1.68.0.
package struct AppVersion: Sendable, Hashable, Comparable {
    let major: Int
    let minor: Int
    let patch: Int

    init(_ major: Int, _ minor: Int, _ patch: Int) {
        (self.major, self.minor, self.patch) = (major, minor, patch)
    }

    /// Reads `1.68.0`; nil for anything else. What follows the third number, as `-beta`, is not looked at.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        let numbers = [parts[0], parts[1], parts[2].prefix { $0.isASCII && $0.isNumber }].map { part in
            part.utf8.count <= 6 && part.isDigits ? Int(part) : nil
        }
        guard let major = numbers[0], let minor = numbers[1], let patch = numbers[2] else { return nil }
        self.init(major, minor, patch)
    }

    /// Reads the `User-Agent` of the app's API calls and hooks. Nil for any other, such as that of its event stream, which
    /// is the HTTP library's own.
    init?(userAgent: String?) {
        guard let userAgent, userAgent.hasPrefix(Self.product) else { return nil }
        self.init(userAgent.dropFirst(Self.product.count).prefix { $0 != " " })
    }

    private static let product = "me.capcom.smsgateway/"

    /// As people write it.
    package var text: String { "\(major).\(minor).\(patch)" }

    package static func < (left: AppVersion, right: AppVersion) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }

    /// The first that reads a list of webhooks with `system:ping`.
    static let ping = AppVersion(1, 16, 0)
    /// The first that sends its messages in the order in which it is told to.
    static let order = AppVersion(1, 46, 0)
    /// The first that tells of an MMS that arrives.
    static let mmsReceived = AppVersion(1, 47, 0)
    /// The first that a server can tell which channel it should use.
    static let channel = AppVersion(1, 53, 0)
    /// The first that hands over the text of an MMS.
    static let mmsDownloaded = AppVersion(1, 56, 0)
    /// The first that tells when it starts.
    static let started = AppVersion(1, 66, 0)
    /// The first that fetches messages when its stream opens.
    static let stream = AppVersion(1, 53, 1)
    /// The first that takes an SMS of the same text for a repeat.
    static let losing = AppVersion(1, 65, 2)
    /// The first that loses no SMS of the same text: those from 1.65.2 on take it for a repeat.
    static let recommended = AppVersion(1, 66, 2)
    /// The first that a message can be taken back from.
    static let cancel = AppVersion(1, 67, 0)
}

extension AppVersion {
    /// Why the app should be updated; nil when it need not be.
    package var advice: String? {
        if self < .stream { return "This version is too old to be told of messages at once. Update the app." }
        if self >= .losing, self < .recommended {
            return "This version loses SMS: a second one of the same sender and text is dropped. Update the app now."
        }
        if self < .recommended {
            return
                "Update the app to version \(AppVersion.recommended.text) or later, skipping 1.65.2 to 1.66.1, which lose SMS."
        }
        return nil
    }
}

extension AppVersion: SQLConvertible {
    package var sqlValue: SQLValue { .text(text) }

    package init?(sqlValue: SQLValue) {
        guard case .text(let text) = sqlValue else { return nil }
        self.init(text)
    }
}
