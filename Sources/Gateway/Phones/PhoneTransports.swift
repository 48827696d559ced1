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
        let parts = [(devices, "with the SMSGate app")] + apps + [(others, "whose app is not known")]
        let known = parts.filter { $0.0 > 0 }.map { "\(Figure.shown($0.0)) \($0.1)" }
        return known.isEmpty ? "none yet" : known.joined(separator: ", ")
    }

    /// Whether some have an app that none of `pushes` reaches.
    package func hasUntold(by pushes: Set<PushKind>) -> Bool {
        apps.contains { !pushes.contains($0.key) && $0.value > 0 }
    }

    /// How each kind of app is told. That of a service which is not set up is left out where nobody has it, but for httpSMS's own,
    /// which newcomers look for.
    package func explanation(pushes: Set<PushKind>) -> String {
        let told = PushKind.allCases.filter(pushes.contains).map { ", \($0.name) wakes \($0.app)" }
        let untold = PushKind.allCases.filter { kind in
            !pushes.contains(kind) && (kind == .firebase || apps[kind] ?? 0 > 0)
        }.map { kind in
            "; \(kind.app) sends nothing, as it listens to \(kind.name) only and \(kind.setting.variable) is not set"
        }
        return "the SMSGate app keeps a connection open" + told.joined() + untold.joined()
    }
}
