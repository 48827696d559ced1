import Delivery
import JSON
import Timestamps

extension PushConfiguration {
    /// Asks Firebase, or what stands for it, to judge a push to a phone that does not exist: nobody gets it (`validate_only`).
    ///
    /// - Parameters:
    ///   - sender: Asks; it must reach what the operator names.
    ///   - clock: What access tokens expire by.
    /// - Returns: Why no push of this account goes out, in words; nil when they do.
    package func trouble(askedBy sender: any WebhookSender, clock: any WallClock) async -> String? {
        do {
            switch try await FCMClient(self, clock: clock, sender: sender).send(Self.question) {
            // Who is told that there is no such phone may push to others.
            case .taken, .tokenIsDead, .foreignToken, .refused: return nil
            case .unauthorized(let reason), .failed(let reason, _): return reason
            }
        } catch {
            return "\(error)"
        }
    }

    private static var question: [UInt8] {
        var json = JSONWriter()
        json.object { o in
            o.field("validate_only", true)
            o.object("message") { o in o.field("token", "httpsms-doctor") }
        }
        return json.bytes
    }
}
