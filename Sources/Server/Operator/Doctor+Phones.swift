import Delivery
import Gateway
import Storage

extension Commands {
    /// Whether phones can be told of messages.
    static func phones(_ phones: PhoneTransports, pushes: Bool) -> Finding {
        let text = "\(phones.sentence): \(PhoneTransports.explanation(pushes: pushes))"
        guard !pushes, phones.apps > 0 else { return .fine("phones", text) }
        return .warning("phones", text + ". Set it, or connect these phones with the SMSGate app")
    }
}
