import HTTPSMSWebhooks
import Wire

/// What a device says of a message: the state that it is in now, and when it came to each.
///
/// A report is sent when its turn comes, with the state of then: states are skipped, repeated, and can go back. The state
/// decides, the times only tell when.
struct DeviceReport: Decodable, Sendable {
    let id: String
    let state: State?
    /// When the message came to each state first; one without a time that is text is left out.
    let times: [State: PhoneTime]
    /// Why it failed; may be there without a failure.
    let error: String?

    enum State: String, CaseIterable, Sendable {
        case pending, processed, sent, delivered, failed, cancelling, cancelled
    }

    init(id: String, state: State?, times: [State: PhoneTime] = [:], error: String? = nil) {
        (self.id, self.state, self.times, self.error) = (id, state, times, error)
    }

    private enum Member: String, CodingKey {
        case id, state, states, recipients
    }

    private struct Recipient: Decodable {
        let error: ToldText?
    }

    /// Names of members come in lower case.
    private struct Times: Decodable {
        let pending, processed, sent, delivered, failed, cancelling, cancelled: ToldText?

        var all: [State: PhoneTime] {
            let told: [(State, ToldText?)] = [
                (.pending, pending), (.processed, processed), (.sent, sent), (.delivered, delivered),
                (.failed, failed), (.cancelling, cancelling), (.cancelled, cancelled),
            ]
            return told.reduce(into: [:]) { times, entry in times[entry.0] = PhoneTime(entry.1) }
        }
    }

    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Member.self)
        id = try members.decodeIfPresent(ToldText.self, forKey: .id)?.text ?? ""
        state = try members.decodeIfPresent(ToldText.self, forKey: .state)?.text.flatMap {
            State(rawValue: $0.lowercased())
        }
        // What is not an object has no times: a report is not refused for that.
        times = (try? members.decodeIfPresent(Times.self, forKey: .states))?.all ?? [:]
        let recipients = try members.decodeIfPresent(ToldList<Recipient>.self, forKey: .recipients)?.elements ?? []
        error = recipients.lazy.compactMap { $0?.error?.text }.first
    }

    /// A step of the state machine, with the phone's time of it.
    struct Step: Sendable {
        let report: MessageReport
        let time: PhoneTime?
    }

    /// What to do with a message that is in `status`, in this order.
    func steps(from status: MessageStatus) -> [Step] {
        switch state {
        case .sent: return [Step(report: .sent, time: times[.sent])]
        case .delivered:
            let sent = times[.sent].map { Step(report: .sent, time: $0) }
            return [sent, Step(report: .delivered, time: times[.delivered])].compactMap(\.self)
        case .failed:
            // What is too late for the phone may be known to be sent, or to be too late.
            if isTooLate, [.sent, .delivered, .expired].contains(status) { return [] }
            var steps: [Step] = []
            // Sent after failed is one part of a long SMS.
            if let sent = times[.sent], let at = sent.time, let failed = times[.failed]?.time, at < failed {
                steps.append(Step(report: .sent, time: sent))
            }
            return steps + [Step(report: .failed(reason: reason), time: times[.failed])]
        case .cancelled: return [Step(report: .failed(reason: "cancelled on the phone"), time: times[.cancelled])]
        // Android may say that it sent an SMS before the app notes that it was handed over: the state then stays at that.
        case .processed: return times[.sent].map { [Step(report: .sent, time: $0)] } ?? []
        case .pending, .cancelling, nil: return []
        }
    }

    /// What it means for the offer that the message was given with.
    var outcome: DeviceOfferQueries.Outcome {
        switch state {
        case .sent: .sent
        case .delivered, .failed, .cancelled: .ended
        case .processed: times[.sent] == nil ? .noted : .sent
        case .pending, .cancelling, nil: .noted
        }
    }

    private var isTooLate: Bool { error?.hasPrefix("TTL expired") ?? false }

    /// Why it failed, the constant of Android first: `RESULT_ERROR_NO_SERVICE (...)`.
    private var reason: String {
        guard let error, !error.trimmed.isEmpty else { return "UNKNOWN ERROR" }
        if isTooLate { return "The phone did not send it in time" }
        let prefix = "Send result: "
        return (error.hasPrefix(prefix) ? error.dropFirst(prefix.count)[...] : error[...]).firstScalars(1_000)
    }
}
