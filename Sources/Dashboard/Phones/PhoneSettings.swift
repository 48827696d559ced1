import Gateway
import HTTPSMSWebhooks

/// The fields of a phone's form, as text: what was typed stays as it is, right or wrong.
struct PhoneSettings: Sendable {
    let messagesPerMinute: String
    let maxSendAttempts: String
    let expirationSeconds: String
    let missedCallAutoReply: String
    let unarchivesThread: Bool
    let sim: String
    let scheduleID: String

    init(_ phone: Phone) {
        messagesPerMinute = "\(phone.messagesPerMinute)"
        maxSendAttempts = "\(phone.maxSendAttempts)"
        expirationSeconds = "\(phone.messageExpiration.components.seconds)"
        missedCallAutoReply = phone.missedCallAutoReply ?? ""
        unarchivesThread = phone.unarchiveThread
        sim = phone.sim.rawValue
        scheduleID = phone.messageSendScheduleID ?? ""
    }

    init(_ form: PageForm) {
        messagesPerMinute = form.text("messages_per_minute")
        maxSendAttempts = form.text("max_send_attempts")
        expirationSeconds = form.text("message_expiration_seconds")
        missedCallAutoReply = form.text("missed_call_auto_reply")
        unarchivesThread = form.text("unarchive_thread") == "yes"
        sim = form.text("sim")
        scheduleID = form.text("message_send_schedule_id")
    }

    /// What is asked of the API's rules.
    ///
    /// - Throws: ``Refusal`` `.invalid` when a number cannot be read; the API, whose clients send numbers, has no words
    ///   for it.
    func update(of phoneNumber: String) throws(Refusal) -> PhoneUpdate {
        var errors = FieldErrors()
        func number(_ field: String, _ text: String) -> Int {
            guard let number = Int(text) else {
                errors.add(field, "The \(field) field must be numeric")
                return 0
            }
            return number
        }
        let update = PhoneUpdate(
            phoneNumber: phoneNumber, messagesPerMinute: number("messages_per_minute", messagesPerMinute),
            maxSendAttempts: number("max_send_attempts", maxSendAttempts),
            expirationSeconds: number("message_expiration_seconds", expirationSeconds),
            missedCallAutoReply: missedCallAutoReply, unarchiveThread: unarchivesThread, sim: sim,
            messageSendScheduleID: scheduleID)
        try errors.check("validation errors while updating phones")
        return update
    }
}
