import Delivery
import Gateway
import Timestamps

/// What a phone with the SMSGate app did on its way to be connected, and what is missing and why.
struct DeviceChecks: Sendable {
    struct Check: Sendable, Hashable {
        enum State: String, Sendable {
            case done, waiting, wrong
        }

        let name: String
        let status: String
        /// A class of the style sheet.
        let kind: String
        let text: String

        init(_ name: String, _ state: State, _ text: String) {
            self.name = name
            status = state.rawValue
            kind =
                switch state {
                case .done: "completed"
                case .waiting: ""
                case .wrong: "failed"
                }
            self.text = text
        }
    }

    let checks: [Check]
    /// What does not keep it from working now, and will one day.
    let warnings: [String]
    /// Whether more is expected without anybody doing something here.
    let isOpen: Bool

    /// Before anybody registered.
    static let waiting = DeviceChecks(
        checks: [Check("Registered", .waiting, "Type the code or the private token into the app.")]
            + [
                "Notification channel", "Webhooks fetched", "Settings fetched", "Connection open", "First heartbeat",
                "Test SMS",
            ]
            .map { Check($0, .waiting, "follows once the phone has registered") },
        warnings: [], isOpen: true)

    private init(checks: [Check], warnings: [String], isOpen: Bool) {
        (self.checks, self.warnings, self.isOpen) = (checks, warnings, isOpen)
    }

    /// - Parameters:
    ///   - device: The phone.
    ///   - hasReceived: Whether an SMS came in since it registered.
    ///   - now: The present.
    init(_ device: Device, hasReceived: Bool, now: Timestamp) {
        func check(_ name: String, _ time: Timestamp?, _ done: String, else missing: String) -> Check {
            guard let time, time >= device.registeredAt else { return Check(name, .waiting, missing) }
            return Check(name, .done, "\(done), \(Elapsed.ago(time, now: now))")
        }
        let version = device.appVersion.map { ", version \($0.text)" } ?? ""
        let beat = device.numbers.compactMap(\.lastHeartbeatAt).max()
        let numbers = device.numbers.map(\.number).joined(separator: " or ")
        checks = [
            Check("Registered", .done, "\(device.name)\(version), \(Elapsed.ago(device.registeredAt, now: now))"),
            device.usesFirebase
                ? Check(
                    "Notification channel", .wrong,
                    "The app waits for pushes of its maker, which never come. Set Settings > Cloud Server > Notification "
                        + "channel to SSE Only, then tap Online twice: off and on.")
                : Check("Notification channel", .done, "the app waits for this server only"),
            check(
                "Webhooks fetched", device.webhooksAt, "it knows where to send what it receives",
                else:
                    "Comes with the connection. Until then the phone keeps what it receives to itself: restart the app."
            ),
            check(
                "Settings fetched", device.settingsAt, "it has its settings",
                else: "Comes with the connection, or when the app is restarted."),
            device.usesFirebase && device.streamedAt == nil
                ? Check("Connection open", .wrong, "The app opens none with this notification channel.")
                : check(
                    "Connection open", device.streamedAt, "it was opened",
                    else:
                        "If it takes more than a minute, tap Online twice, off and on, and see whether a proxy in front of "
                        + "this server holds the stream back."),
            check(
                "First heartbeat", beat, "it was heard; its battery shows after the app was restarted once",
                else: "Comes with the first time that it asks for messages."),
            hasReceived
                ? Check("Test SMS", .done, "an SMS came in")
                : Check("Test SMS", .waiting, "Send an SMS to \(numbers) from any phone."),
        ]
        var warnings = [device.appVersion?.advice].compactMap(\.self)
        if let error = device.clockError, max(error, .zero - error) >= .seconds(60) {
            let side = error < .zero ? "ahead" : "behind"
            warnings.append(
                "The phone's clock is \(Elapsed.length(max(error, .zero - error))) \(side). Set it right."
            )
        }
        if device.isSignatureRight == false {
            warnings.append(
                "What it posts is signed with another key than that of its settings. Nothing is lost; restart the app so that "
                    + "it fetches them.")
        }
        if device.numbers.isEmpty { warnings.append("It has no number any more: another phone took it.") }
        self.warnings = warnings
        isOpen =
            checks.contains { $0.status != Check.State.done.rawValue } && now - device.registeredAt < .seconds(3_600)
    }
}
