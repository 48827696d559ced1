import Foundation
import Timestamps

/// A webhook that the server listed; on the phone it replaces all that it listed before.
package struct SMSGateWebhook: Hashable, Sendable, Decodable {
    /// The server's; it must stay the same, or the app shows its user a notice.
    package let id: String
    /// Where the event is posted.
    package let url: String
    /// Such as `sms:received`.
    package let event: String
}

/// The settings that matter to a server.
package struct SMSGateSettings: Hashable, Sendable {
    /// How the server reaches the app.
    package enum Channel: String, Sendable {
        case auto = "AUTO"
        case streamOnly = "SSE_ONLY"
    }

    /// Which message is sent first.
    package enum Order: String, Sendable {
        case lifo = "LIFO"
        case fifo = "FIFO"
    }

    /// `gateway.notification_channel`.
    package internal(set) var channel = Channel.auto
    /// `messages.processing_order`.
    package internal(set) var order = Order.lifo
    /// `ping.interval_seconds`, which holds from the next start; nil is off.
    package internal(set) var pingInterval: Duration?
    /// `webhooks.signing_key`; until it is set the app has eight random characters.
    package internal(set) var signingKey = ""
    /// `webhooks.retry_count`.
    package internal(set) var hookRetries = 15
    /// `webhooks.internet_required`.
    package internal(set) var internetRequired = true

    /// A value that the app does not accept: it throws, and leaves out what comes after.
    struct Unacceptable: Error {}

    /// Takes what the server sent: what is absent stays, `null` is the default, unknown names are ignored.
    ///
    /// - Returns: Whether anything changed, which the app tells its user.
    /// - Throws: ``Unacceptable``.
    mutating func take(_ sections: [String: [String: Value?]], version: SMSGateVersion) throws(Unacceptable) -> Bool {
        let before = self
        for (section, members) in sections.sorted(by: { $0.key < $1.key }) {
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                try take(value, as: "\(section).\(name)", version)
            }
        }
        return self != before
    }

    private mutating func take(_ value: Value?, as name: String, _ version: SMSGateVersion) throws(Unacceptable) {
        switch name {
        case "gateway.notification_channel" where version.hasChannel:
            channel = try Self.choice(value) ?? .auto
        case "gateway.cloud_url": if let value, !value.text.hasPrefix("https://") { throw Unacceptable() }
        case "messages.processing_order" where version.hasOrder: order = try Self.choice(value) ?? .lifo
        case "messages.limit_period":
            let periods = ["Disabled", "PerMinute", "PerHour", "PerDay"] + (version.cancels ? ["Per30Minutes"] : [])
            if let value, !periods.contains(value.text) { throw Unacceptable() }
        case "messages.limit_value": _ = try Self.count(value, from: 0)
        case "messages.log_lifetime_days": _ = try Self.count(value, from: 1)
        case "ping.interval_seconds": pingInterval = try Self.count(value, from: 1).map { .seconds($0) }
        case "webhooks.signing_key": signingKey = value?.text ?? ""
        case "webhooks.retry_count": hookRetries = try Self.count(value, from: 1) ?? 15
        case "webhooks.internet_required": internetRequired = value.map { $0.text.lowercased() == "true" } ?? true
        default: break
        }
    }

    private static func choice<Choice: RawRepresentable<String>>(_ value: Value?) throws(Unacceptable) -> Choice? {
        guard let value else { return nil }
        guard let choice = Choice(rawValue: value.text) else { throw Unacceptable() }
        return choice
    }

    /// `toString().toFloat().toInt()`, as the app reads every number.
    private static func count(_ value: Value?, from least: Int) throws(Unacceptable) -> Int? {
        guard let value else { return nil }
        guard let number = Double(value.text) else { throw Unacceptable() }
        let count = Int(clamping: number)
        guard count >= least else { throw Unacceptable() }
        return count
    }

    /// What Gson makes of a member when it does not know its type.
    enum Value: Decodable, Hashable, Sendable {
        case text(String)
        case number(Double)
        case bool(Bool)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let bool = try? container.decode(Bool.self) {
                self = .bool(bool)
            } else if let number = try? container.decode(Double.self) {
                self = .number(number)
            } else {
                self = .text(try container.decode(String.self))
            }
        }

        /// `toString()` of it.
        var text: String {
            switch self {
            case .text(let text): text
            case .number(let number): "\(number)"
            case .bool(let bool): "\(bool)"
            }
        }
    }
}

extension SMSGateApp {
    /// The answer of `GET /webhooks`: an event that the app does not know is null to Gson, and the list is never taken
    /// (gw/workers/WebhooksUpdateWorker.kt:28-46).
    mutating func takeWebhooks(_ answer: SMSGateAnswer, _ effects: inout [Effect]) -> Bool {
        guard let list = try? JSONDecoder().decode([SMSGateWebhook].self, from: Data(answer.body)),
            list.allSatisfy({ phone.version.knows(event: $0.event) }),
            Set(list.map(\.id)).count == list.count
        else {
            effects.append(.note(.unreadable("webhooks")))
            return false
        }
        webhooks = list
        effects.append(.note(.webhooks(count: list.count)))
        return true
    }

    /// The answer of `GET /settings`.
    mutating func takeSettings(_ answer: SMSGateAnswer, _ effects: inout [Effect]) -> Bool {
        do {
            let sections = try JSONDecoder().decode(
                [String: [String: SMSGateSettings.Value?]].self, from: Data(answer.body))
            if try settings.take(sections, version: phone.version) { effects.append(.note(.settingsChanged)) }
            return true
        } catch {
            effects.append(.note(.unreadable("settings")))
            return false
        }
    }
}
