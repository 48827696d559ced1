import HTTPSMSWebhooks
import Storage
import Wire

/// The body of `PUT /v1/phones`: what is absent stays, on a new phone at its default.
package struct PhoneUpdate: Decodable, Sendable {
    let phoneNumber: String
    private let fcmToken: Patch<String>
    private let messagesPerMinute: Patch<Int>
    private let maxSendAttempts: Patch<Int>
    private let expirationSeconds: Patch<Int>
    private let missedCallAutoReply: Patch<String>
    private let unarchiveThread: Patch<Bool>
    private let sim: Patch<String>
    private let messageSendScheduleID: Patch<String>

    private enum Member: CodingKey {
        case phoneNumber, fcmToken, messagesPerMinute, maxSendAttempts, messageExpirationSeconds
        case missedCallAutoReply, unarchiveThread, sim, messageSendScheduleID
    }

    package init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Member.self)
        phoneNumber = PhoneNumber.address(try members.decodeIfPresent(String.self, forKey: .phoneNumber) ?? "")
        fcmToken = try members.patch(forKey: .fcmToken)
        messagesPerMinute = try members.patch(forKey: .messagesPerMinute)
        maxSendAttempts = try members.patch(forKey: .maxSendAttempts)
        expirationSeconds = try members.patch(forKey: .messageExpirationSeconds)
        missedCallAutoReply = try members.patch(forKey: .missedCallAutoReply)
        unarchiveThread = try members.patch(forKey: .unarchiveThread)
        sim = try members.patch(forKey: .sim)
        messageSendScheduleID = try members.patch(forKey: .messageSendScheduleID)
    }

    /// What a form says of the phone with `phoneNumber`, which names everything but the token, which is the app's own.
    package init(
        phoneNumber: String, messagesPerMinute: Int, maxSendAttempts: Int, expirationSeconds: Int,
        missedCallAutoReply: String, unarchiveThread: Bool, sim: String, messageSendScheduleID: String
    ) {
        self.phoneNumber = phoneNumber
        fcmToken = .absent
        self.messagesPerMinute = .value(messagesPerMinute)
        self.maxSendAttempts = .value(maxSendAttempts)
        self.expirationSeconds = .value(expirationSeconds)
        self.missedCallAutoReply = .value(missedCallAutoReply)
        self.unarchiveThread = .value(unarchiveThread)
        self.sim = .value(sim)
        self.messageSendScheduleID = .value(messageSendScheduleID)
    }

    /// The id of the schedule that the phone is to keep from now on, as it is written; nil where none is named.
    var schedule: String? { messageSendScheduleID.value?.trimmed.lowercased() }

    /// Tries httpSMS's rules.
    ///
    /// - Throws: ``Refusal`` `.invalid`.
    func validate(minimumExpiration: Duration) throws(Refusal) {
        var errors = FieldErrors()
        errors.require("phone_number", phoneNumber)
        errors.requirePhoneNumber("phone_number", phoneNumber)
        errors.requireBytes("fcm_token", fcmToken.value?.trimmed ?? "", max: 1_000)
        errors.requireRange("messages_per_minute", messagesPerMinute.value, max: 60)
        errors.requireRange("max_send_attempts", maxSendAttempts.value, max: 5)
        if let seconds = expirationSeconds.value, seconds != 0 {
            let minimum = Int(minimumExpiration.components.seconds)
            errors.requireRange("message_expiration_seconds", seconds, min: minimum, max: 3_600)
        }
        if expirationSeconds.value == 0, let attempts = maxSendAttempts.value, attempts > 0 {
            errors.add(
                "message_expiration_seconds",
                "message_expiration_seconds cannot be 0 when max_send_attempts is greater than 0")
        }
        try errors.check("validation errors while updating phones")
    }

    /// Makes the changes; 0 attempts and 0 seconds mean the default.
    func apply(to phone: inout Phone) {
        phone.fcmToken = fcmToken.applied(to: phone.fcmToken)?.trimmed
        if phone.fcmToken == "" { phone.fcmToken = nil }
        phone.messagesPerMinute = messagesPerMinute.value ?? phone.messagesPerMinute
        if let attempts = maxSendAttempts.value { phone.maxSendAttempts = attempts == 0 ? 2 : attempts }
        if let seconds = expirationSeconds.value {
            phone.messageExpiration = seconds == 0 ? Phone.defaultExpiration : .seconds(seconds)
        }
        phone.missedCallAutoReply = missedCallAutoReply.applied(to: phone.missedCallAutoReply)?.trimmed
        if phone.missedCallAutoReply == "" { phone.missedCallAutoReply = nil }
        phone.unarchiveThread = unarchiveThread.value ?? phone.unarchiveThread
        if let sim = sim.value { phone.sim = SIM(lenient: sim) }
        // An id as we write it, so that its phones are found by it.
        let schedule = messageSendScheduleID.applied(to: phone.messageSendScheduleID)?.trimmed
        phone.messageSendScheduleID = schedule == "" ? nil : schedule?.lowercased()
    }
}
