import Foundation
import Logging
import ServiceLifecycle
import Synchronization
import Timestamps
import UnixSignals
import Wire

/// `httpsms phone simulate --app smsgate`: a phone with the SMSGate app, which lives until it is stopped.
package struct SMSGateSimulator: Service {
    private let settings: Settings
    private let dice: Dice
    private let journal: PhoneJournal
    private let say: @Sendable (String) -> Void
    /// What was counted as sent, delivered or failed: a report is told again and again.
    private let told = Told()

    /// - Parameters:
    ///   - settings: Which phone, and how it behaves.
    ///   - dice: Decides what fails, and who writes.
    ///   - say: Takes each line, without its end.
    package init(_ settings: Settings, dice: Dice = Dice(), say: @escaping @Sendable (String) -> Void) {
        self.settings = settings
        self.dice = dice
        self.say = say
        journal = PhoneJournal(say: say)
    }

    /// Lives until graceful shutdown or cancellation; then sums up.
    ///
    /// - Throws: ``PhoneAPI/Refusal`` when the server does not want this phone.
    package func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await live() }
        } catch is CancellationError {
            // That is how it is asked to end.
        }
        say("Summary: \(journal.summary(of: PhoneJournal.Item.ofSMSGate))")
    }

    private func live() async throws {
        let (effects, continuation) = AsyncStream.makeStream(
            of: SMSGateApp.Effect.self, bufferingPolicy: .bufferingOldest(10_000))
        var behaviour = SMSGateShell.Behaviour()
        behaviour.latency = settings.latency
        behaviour.fate = { [settings, dice] _ in
            dice.happens(at: settings.failRate) ? .failed(dice.pick(Self.failures)) : .delivered
        }
        behaviour.observe = { continuation.yield($0) }
        try await SMSGateTransport.with { [behaviour] transport in
            let shell = SMSGateShell(settings.phone, over: transport, behaviour: behaviour)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await shell.run() }
                group.addTask { try await watch(effects, shell) }
                group.addTask { try await act(shell) }
                shell.happen(beginning)
                defer { group.cancelAll() }
                // The first one that throws ends the phone; `waitForAll` would wait for the others.
                while try await group.next() != nil {}
            }
        }
    }

    /// What the user does first.
    private var beginning: SMSGateApp.Input { settings.code.map { .enterCode($0) } ?? .start }

    /// What comes to the phone, until it falls silent.
    private func act(_ shell: SMSGateShell) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            if let interval = settings.receiveEvery {
                group.addTask {
                    var number = 0
                    while true {
                        try await Task.sleep(for: interval)
                        number += 1
                        let sim = settings.phone.sims.isEmpty ? nil : dice.pick(settings.phone.sims).number
                        let sender = dice.pick(PhoneSimulator.contacts)
                        let sms = SMSGateInbox.SMS(
                            "\(dice.pick(PhoneSimulator.texts)) (\(number))", from: sender,
                            sentAt: SystemClock().now(), sim: sim)
                        shell.happen(.arrived(sms))
                    }
                }
            }
            if let offlineAfter = settings.offlineAfter {
                group.addTask {
                    try await Task.sleep(for: offlineAfter)
                    shell.happen(.kill)
                    journal.note("offline", "from now on: Android has ended the app")
                }
            }
            try await group.waitForAll()
        }
    }

    private func watch(_ effects: AsyncStream<SMSGateApp.Effect>, _ shell: SMSGateShell) async throws {
        var isFirst = true
        for await effect in effects {
            switch effect {
            case .radio(let outgoing):
                let size = "\(outgoing.text.count) characters"
                journal.count(
                    .fetched, "fetched", "message \(outgoing.id) to \(PhoneJournal.masked(outgoing.to)), \(size)")
            case .note(.registrationFailed(let text)):
                if let text {
                    throw PhoneAPI.Refusal(description: "the server refuses this phone: \(Self.sentence(text))")
                }
                if isFirst { journal.note("waiting", "no answer from \(settings.phone.url) yet") }
                isFirst = false
                try await Task.sleep(for: .seconds(1))
                shell.happen(beginning)
            case .note(let note): tell(note)
            default: break
            }
        }
    }

    private func tell(_ note: SMSGateApp.Note) {
        switch note {
        case .registered(let id): journal.note("registered", "as device \(id)")
        case .streamOpened: journal.count(.streams, "stream", "is open")
        case .pulled(let count): journal.count(.pulls, "pulled", "\(count) messages")
        case .webhooks(let count): journal.note("webhooks", "\(count) listed")
        case .settingsChanged: journal.note("settings", "changed by the server")
        case .reported(let id, let state):
            guard told.isNew("\(state.rawValue) \(id)") else { return journal.note("reported", "message \(id) again") }
            switch state {
            case .sent: journal.count(.sent, "Sent", "message \(id)")
            case .delivered:
                // A report that tells of the delivery also tells of the sending.
                if told.isNew("Sent \(id)") { journal.count(.sent, "Sent", "message \(id)") }
                journal.count(.delivered, "Delivered", "message \(id)")
            case .failed: journal.count(.failed, "Failed", "message \(id)")
            default: journal.note(state.rawValue, "message \(id)")
            }
        case .passedOn("sms:received"): journal.count(.received, "received SMS", "passed on")
        case .passedOn("system:ping"): journal.count(.heartbeats, "ping")
        case .passedOn(let event): journal.note(event, "passed on")
        case .failed(let what, let status):
            journal.count(
                .retries, "not taken", "\(what): \(status.map { "status \($0)" } ?? "no answer"), again later")
        case .unreadable(let what): journal.count(.retries, "not read", "the app does not understand the \(what)")
        case .reportDropped(let id): journal.count(.losses, "given up", "report of message \(id)")
        case .smsLost(let why): journal.count(.losses, "lost", "an SMS: \(why)")
        case .crashed: journal.count(.losses, "ended", "the app crashed: it has no token for its stream")
        case .unknownStreamEvent(let name): journal.note("ignored", "event \(name.prefix(40))")
        case .registrationFailed: break
        }
    }

    /// The sentence in `{"message":"…"}`, which the app's toast shows as it stands.
    private static func sentence(_ body: String) -> String {
        // What is not such an object is shown whole, as the app does.
        String((SMSGateApp.member("message", of: body) ?? body).prefix(200))
    }

    private final class Told: Sendable {
        private let all = Mutex<Set<String>>([])

        func isNew(_ what: String) -> Bool {
            all.withLock { all in
                // Beyond that many it may count a repetition.
                if all.count > 100_000 { all.removeAll() }
                return all.insert(what).inserted
            }
        }
    }

    /// What Android says when it cannot send.
    private static let failures = [
        "RESULT_ERROR_GENERIC_FAILURE (Generic failure cause)",
        "RESULT_ERROR_NO_SERVICE (Failed because service is currently unavailable)",
        "RESULT_ERROR_RADIO_OFF (Failed because radio was explicitly turned off)",
        "RESULT_ERROR_LIMIT_EXCEEDED (Failed because we reached the sending queue limit)",
    ]
}

extension SMSGateSimulator {
    /// Which phone is simulated, and how it behaves.
    package struct Settings: Sendable {
        let phone: SMSGatePhone
        /// Typed into "By Code"; nil registers with the private token.
        let code: String?
        /// The part of messages that cannot be sent, from 0 to 1.
        let failRate: Double
        /// From the radio to SENT, and again to DELIVERED.
        let latency: Duration
        /// When Android ends the app; nil means never.
        let offlineAfter: Duration?
        /// How often an SMS comes in; nil means never.
        let receiveEvery: Duration?

        /// Reads the options of the command.
        ///
        /// - Throws: ``PhoneSimulator/Settings/Invalid``, which names the option.
        package init(_ options: PhoneSimulator.Settings.Options) throws(PhoneSimulator.Settings.Invalid) {
            let url = try options.read("url", "the API URL of the app, such as https://sms.example.com/api/mobile/v1") {
                Self.apiURL($0)
            }
            code = try options.read("code", "the digits of a pairing code", default: nil, Self.digits)
            let token: String? = try options.read("private-token", "a private token", default: nil, Self.nonempty)
            guard (code == nil) != (token == nil) else {
                throw .init(description: "--app smsgate needs either --code or --private-token")
            }
            var phone = SMSGatePhone(url: url, privateToken: token)
            phone.version = try options.read(
                "app-version", "a version such as 1.68.0", default: SMSGateVersion.newest, SMSGateVersion.init(_:))
            phone.clockError = try options.read(
                "clock-error", "seconds, such as 1200 or -1200", default: Duration.zero, Self.seconds)
            phone.sims = try options.read("sims", "1, 2 or 3", default: [SMSGatePhone.SIM(1)], Self.cards)
            self.phone = phone
            failRate = try options.failRate()
            latency = try options.latency()
            offlineAfter = try options.offlineAfter()
            receiveEvery = try options.receiveEvery()
        }

        private static func digits(_ text: String) -> String? {
            text.isDigits ? text : nil
        }

        private static func nonempty(_ text: String) -> String? { text.isEmpty ? nil : text }

        /// A day at most.
        private static func seconds(_ text: String) -> Duration? {
            guard let number = Int(text), (-86_400...86_400).contains(number) else { return nil }
            return .seconds(number)
        }

        private static func cards(_ text: String) -> [SMSGatePhone.SIM]? {
            guard let count = Int(text), (1...3).contains(count) else { return nil }
            return (1...count).map { SMSGatePhone.SIM($0) }
        }

        /// What is typed in stays as it is; a URL without a path is that of the server.
        private static func apiURL(_ text: String) -> String? {
            guard let parts = URLComponents(string: text), parts.scheme == "https" || parts.scheme == "http",
                parts.host != nil
            else { return nil }
            guard parts.path.isEmpty || parts.path == "/" else { return text }
            return (text.hasSuffix("/") ? String(text.dropLast()) : text) + "/api/mobile/v1"
        }
    }
}

extension SMSGateSimulator {
    /// Runs a simulated phone with the SMSGate app until SIGTERM or SIGINT.
    ///
    /// - Parameters:
    ///   - settings: Which phone, and how it behaves.
    ///   - say: Takes each line, without its end.
    /// - Throws: Why the phone cannot be used, in words for whoever started it.
    package static func runAlone(
        _ settings: SMSGateSimulator.Settings, say: @escaping @Sendable (String) -> Void
    ) async throws {
        try await PhoneSimulator.simulate(SMSGateSimulator(settings, say: say))
    }
}
