import Foundation
import HTTPSMSWebhooks
import Wire

/// An SMS as a request to a hook tells it.
struct ForwardedSMS: Sendable {
    /// Nil when nobody is named.
    let contact: String?
    let content: String
    /// As the app wrote it.
    let sim: String?
    let timestamp: PhoneTime?
    let recognition: InboundOperations.Recognition
    /// What was read where, for the owner of the hook.
    let readings: [ForwardedRequest.Reading]

    /// Reads the parts of an SMS from `fields`.
    ///
    /// - Parameters:
    ///   - fields: What came.
    ///   - forwarder: Whose it is: its preset and template say how it is read.
    ///   - zone: That of times without an offset.
    /// - Throws: ``Refused`` when there is no text at all, with what was read otherwise.
    init(_ fields: ForwardedFields, for forwarder: SMSForwarder, zone: TimeZone?) throws(Refused) {
        var reader = Reader(fields: fields, template: forwarder.template)
        contact = reader.read(.contact).map(Self.withPlus)
        let content = reader.read(.content)
        let time = reader.time(preset: forwarder.preset, zone: zone)
        timestamp = time?.time
        sim = reader.read(.sim)
        let id = reader.read(.id)
        readings = reader.readings
        guard let content = content ?? reader.emptyContent else {
            let place = forwarder.template?.pointers[.content].map { "at \($0.text)" }
            throw Refused(
                sentence: """
                    There is no text \(place ?? "under any of the names \(ForwardedPart.content.names.joined(separator: ", "))").
                    """.trimmed, readings: reader.readings)
        }
        self.content = content
        recognition =
            if let id {
                .byID("forwarder \(forwarder.id) \(id)")
            } else if let time, time.isOfSMS, time.time.isTelling {
                .byTime
            } else {
                .byAge
            }
    }

    /// What can never become an SMS.
    struct Refused: Error {
        /// For whoever set the app up.
        let sentence: String
        let readings: [ForwardedRequest.Reading]
    }

    /// A plus that was not escaped comes out of a form as a space.
    private static func withPlus(_ text: String) -> String {
        text.first == " " && text.dropFirst().isDigits ? "+" + text.dropFirst() : text
    }

    /// A time that a request tells.
    private struct ToldTime {
        let place: String
        let time: PhoneTime
        /// Whether a repetition of the request would tell the same.
        let isOfSMS: Bool
    }

    /// Looks parts up and notes where they were.
    private struct Reader {
        let fields: ForwardedFields
        let template: ForwarderTemplate?
        var readings: [ForwardedRequest.Reading] = []

        /// The text of a part; nil when there is none, or a blank one.
        mutating func read(_ part: ForwardedPart) -> String? {
            let found = candidates(part).first { !$0.value.trimmed.isEmpty }
            note(part, found)
            return found?.value
        }

        /// The content that is there and blank.
        var emptyContent: String? { candidates(.content).first?.value }

        /// The time of the SMS where there is one, else the first that can be read, else the first.
        mutating func time(preset: ForwarderPreset, zone: TimeZone?) -> ToldTime? {
            let times = candidates(.timestamp).filter { !$0.value.trimmed.isEmpty }.map { place, value in
                ToldTime(
                    place: place, time: PhoneTime(value, zone: zone),
                    isOfSMS: !preset.timesOfSending.contains(place))
            }
            let telling = times.filter(\.time.isTelling)
            let best = telling.first(where: \.isOfSMS) ?? telling.first ?? times.first
            note(.timestamp, best.map { ($0.place, $0.time.text) })
            return best
        }

        private func candidates(_ part: ForwardedPart) -> [(place: String, value: String)] {
            if let pointer = template?.pointers[part] {
                return fields.value(at: pointer).map { [(pointer.text, $0)] } ?? []
            }
            return part.names.compactMap { name in fields.value(named: name).map { (name, $0) } }
        }

        private mutating func note(_ part: ForwardedPart, _ found: (place: String, value: String)?) {
            readings.append(
                .init(
                    part: part, place: found?.place ?? "",
                    value: (found?.value ?? "").firstScalars(ForwardedRequest.maximumValue)))
        }
    }
}

extension SMSForwarder {
    /// The number that an SMS came to, and what is odd about that; nil when the forwarder has no number.
    ///
    /// A SIM without a number in this forwarder stands for the lowest slot that has one: an SMS is not lost for it.
    func number(ofSIM text: String?) -> (number: SIMNumber, note: String?)? {
        guard let lowest = numbers.min(by: { $0.sim.rawValue < $1.sim.rawValue }) else { return nil }
        guard let slot = SIM.slot(text) else { return (lowest, nil) }
        // Some apps count from 0.
        let sim = "SIM\(max(slot, 1))"
        if let number = numbers.first(where: { $0.sim.rawValue == sim }) { return (number, nil) }
        return (lowest, "it came in on \(sim), which has no number here: it is kept with \(lowest.sim.rawValue)")
    }
}
