import Delivery
import Storage

/// How the phones of a server are told of messages, for whoever runs the server.
package struct PhoneTransports: Sendable, Hashable {
    /// With the SMSGate app.
    let devices: Int64
    /// With a token that Firebase gave.
    package let apps: Int64
    /// With neither.
    let others: Int64

    /// What phones the server has: `2 with the SMSGate app, 1 with the httpSMS app`.
    package var sentence: String {
        let parts = [
            (devices, "with the SMSGate app"), (apps, "with the httpSMS app"), (others, "with no app that is known"),
        ]
        let known = parts.filter { $0.0 > 0 }.map { "\(Figure.shown($0.0)) \($0.1)" }
        return known.isEmpty ? "none yet" : known.joined(separator: ", ")
    }

    /// How each kind of app is told.
    package static func explanation(pushes: Bool) -> String {
        pushes
            ? "the SMSGate app keeps a connection open, Firebase wakes the httpSMS app"
            : """
            the SMSGate app keeps a connection open; the httpSMS app sends nothing, as it listens to Firebase only and \
            FIREBASE_CREDENTIALS is not set
            """
    }
}
