import Delivery
import Storage

/// How the phones of a server are told of messages, for whoever runs the server.
package struct PhoneTransports: Sendable, Hashable {
    /// With the SMSGate app.
    let devices: Int64
    /// With an address that a service gave.
    let apps: [PushKind: Int64]
    /// With neither.
    let others: Int64

    /// What phones the server has: `2 with the SMSGate app, 1 with the httpSMS app`.
    package var sentence: String {
        let apps = PushKind.allCases.map { (self.apps[$0] ?? 0, "with \($0.app)") }
        let parts = [(devices, "with the SMSGate app")] + apps + [(others, "with no app that is known")]
        let known = parts.filter { $0.0 > 0 }.map { "\(Figure.shown($0.0)) \($0.1)" }
        return known.isEmpty ? "none yet" : known.joined(separator: ", ")
    }

    /// Whether some have an app that none of `pushes` reaches.
    package func hasUntold(by pushes: Set<PushKind>) -> Bool {
        apps.contains { !pushes.contains($0.key) && $0.value > 0 }
    }

    /// How each kind of app is told.
    package static func explanation(pushes: Set<PushKind>) -> String {
        pushes.contains(.firebase)
            ? "the SMSGate app keeps a connection open, Firebase wakes the httpSMS app"
            : """
            the SMSGate app keeps a connection open; the httpSMS app sends nothing, as it listens to Firebase only and \
            FIREBASE_CREDENTIALS is not set
            """
    }
}
