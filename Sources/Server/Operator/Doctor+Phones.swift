import Delivery
import Gateway
import Storage

extension Commands {
    /// Whether phones can be told of messages.
    static func phones(_ phones: PhoneTransports, pushes: Set<PushKind>) -> Finding {
        let text = "\(phones.sentence): \(phones.explanation(pushes: pushes))"
        guard phones.hasUntold(by: pushes) else { return .fine("phones", text) }
        return .warning("phones", text + ". Set that, or connect these phones with the SMSGate app")
    }
}
