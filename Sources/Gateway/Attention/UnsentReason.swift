/// Why an SMS was not sent, for people: the codes that Android gives, and what the server says itself.
package struct UnsentReason: Sendable, Hashable {
    /// As the app on the phone reports it, without `RESULT_ERROR_` or `RESULT_`.
    let code: String
    /// What happened, as a sentence.
    let sentence: String
    /// What to do, as a sentence.
    let advice: String

    /// One sentence on what became of a message that failed or expired, and one on what to do.
    ///
    /// - Parameters:
    ///   - status: `failed` or `expired`.
    ///   - reason: What is stored with it.
    /// - Returns: Both sentences; what is stored, where that is a sentence already.
    package static func text(_ status: MessageStatus, _ reason: String?) -> String {
        guard status == .failed, let reason, !reason.isEmpty else { return expired.text }
        return find(reason)?.text ?? (reason.hasSuffix(".") ? reason : reason + ".")
    }

    /// The reason whose code `text` begins with; nil when it is a sentence already, or unknown.
    static func find(_ text: String) -> UnsentReason? {
        let word = text.prefix { $0 != " " && $0 != ":" && $0 != "(" }.uppercased()
        let prefix = ["RESULT_ERROR_", "RESULT_RIL_", "RESULT_"].first { word.hasPrefix($0) } ?? ""
        let code = word.dropFirst(prefix.count)
        return all.first { $0.code == code }
    }

    private var text: String { "\(sentence) \(advice)" }

    /// What has no code of its own.
    private static let expired = UnsentReason(
        code: "EXPIRED", sentence: "The phone did not say in time that it sent it.",
        advice: "Check that the phone is on, online and allowed to run in the background.")

    /// The codes of Android's SmsManager, and those that the apps shorten them to.
    static let all: [UnsentReason] = [
        expired,
        UnsentReason(
            code: "GENERIC_FAILURE", sentence: "The mobile network refused it.",
            advice: "Check the number and the SIM card's credit, and send an SMS by hand from the phone."),
        UnsentReason(
            code: "NO_SERVICE", sentence: "The phone had no mobile network.",
            advice: "Check its signal and that the SIM card is active, then send again."),
        UnsentReason(
            code: "RADIO_OFF", sentence: "The phone was in flight mode.",
            advice: "Turn flight mode off, then send again."),
        UnsentReason(
            code: "RADIO_NOT_AVAILABLE", sentence: "The phone's radio was not ready.",
            advice: "Send again; restart the phone if it happens often."),
        UnsentReason(
            code: "LIMIT_EXCEEDED", sentence: "Android stopped the app for sending too many SMS.",
            advice: "Send fewer a minute: the phone's page has its pace."),
        UnsentReason(
            code: "SHORT_CODE_NOT_ALLOWED",
            sentence: "Android asked on the phone whether a short code may be sent to, and nobody agreed.",
            advice: "Allow premium SMS for the app in the phone's settings."),
        UnsentReason(
            code: "SHORT_CODE_NEVER_ALLOWED", sentence: "The app is not allowed to send to short codes.",
            advice: "Allow premium SMS for the app in the phone's settings."),
        UnsentReason(
            code: "FDN_CHECK_FAILURE", sentence: "The SIM card sends to a fixed list of numbers only.",
            advice: "Turn fixed dialling off, or add the number to its list."),
        UnsentReason(
            code: "NETWORK_REJECT", sentence: "The mobile network rejected it.",
            advice: "Check the number and the SIM card's credit."),
        UnsentReason(
            code: "NETWORK_ERROR", sentence: "The mobile network had an error.", advice: "Send again in a few minutes."),
        UnsentReason(
            code: "INVALID_SMSC_ADDRESS", sentence: "The SIM card has no valid number of an SMS centre.",
            advice: "Set the SMSC number that the operator names in the phone's settings."),
        UnsentReason(
            code: "NO_DEFAULT_SMS_APP", sentence: "The phone has no default app for SMS.",
            advice: "Choose one in the phone's settings."),
        UnsentReason(
            code: "NULL_PDU", sentence: "The phone could not make an SMS of the text.",
            advice: "Send a shorter or plainer text."),
        UnsentReason(
            code: "INVALID_ARGUMENTS", sentence: "The phone did not accept the number or the text.",
            advice: "Check the number."),
        UnsentReason(
            code: "NO_MEMORY", sentence: "The phone was out of memory.", advice: "Restart the phone, then send again."),
        UnsentReason(
            code: "MODEM_ERROR", sentence: "The phone's modem had an error.",
            advice: "Restart the phone, then send again."),
        UnsentReason(
            code: "SYSTEM_ERROR", sentence: "Android had an error.", advice: "Restart the phone, then send again."),
        UnsentReason(
            code: "INTERNAL_ERROR", sentence: "The phone had an internal error.",
            advice: "Restart the phone, then send again."),
        UnsentReason(
            code: "CANCELLED", sentence: "It was cancelled on the phone.", advice: "Send again if it should go out."),
        UnsentReason(
            code: "UNKNOWN", sentence: "The phone did not say why.",
            advice: "Send an SMS by hand from the phone, and look at what it says."),
    ]

    /// The table as the documentation shows it; a test holds `docs/errors.md` against it.
    static var markdown: String {
        let rows = all.map { "| `\($0.code)` | \($0.sentence) | \($0.advice) |" }
        return (["| code | what happened | what to do |", "|---|---|---|"] + rows).joined(separator: "\n")
    }
}
