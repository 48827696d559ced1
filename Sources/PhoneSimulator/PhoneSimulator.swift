import Logging
import ServiceLifecycle
import Timestamps
import UnixSignals

/// `httpsms phone simulate`: a phone that lives on its own until it is stopped.
package struct PhoneSimulator: Service {
    private let settings: Settings
    private let dice: Dice
    private let journal: PhoneJournal
    private let say: @Sendable (String) -> Void

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
    /// - Throws: ``PhoneAPI/Refusal`` when the server does not want this phone, ``ListeningFailure``.
    package func run() async throws {
        let endpoint = PushEndpoint(host: settings.listenHost, port: settings.listenPort)
        do {
            try await cancelWhenGracefulShutdown { try await live(endpoint) }
        } catch is CancellationError {
            // That is how it is asked to end.
        }
        say("Summary: \(journal.summary(of: PhoneJournal.Item.ofHTTPSMS))")
        if journal.number(of: .pushes) == 0 { say("No push came.") }
    }

    private func live(_ endpoint: PushEndpoint) async throws {
        let (urls, ready) = AsyncStream.makeStream(of: String.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await endpoint.run { ready.yield($0) } }
            group.addTask {
                var iterator = urls.makeAsyncIterator()
                if let url = await iterator.next() { try await live(endpoint, at: url) }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func live(_ endpoint: PushEndpoint, at url: String) async throws {
        say(
            """
            The server has to run with FCM_ENDPOINT=\(url)
            so that it pushes to this phone; nothing else tells the phone of a message.
            """)
        let api = PhoneAPI(
            baseURL: settings.url, apiKey: settings.apiKey, number: settings.number, sim: settings.sim)
        let behaviour = SimulatedPhone.Behaviour(latency: settings.latency) { [settings, dice] _ in
            dice.happens(at: settings.failRate) ? .failed(reason: dice.pick(Self.failures)) : .delivered
        }
        let phone = SimulatedPhone(api, behaviour: behaviour, journal: journal)
        try await phone.register(token: endpoint.token)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await phone.answer(endpoint.arrivals) }
            group.addTask { try await warnWithoutPush(url) }
            group.addTask {
                guard let offlineAfter = settings.offlineAfter else { return try await act(phone) }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await act(phone) }
                    group.addTask { try await Task.sleep(for: offlineAfter) }
                    defer { group.cancelAll() }
                    try await group.next()
                }
                phone.goOffline()
            }
            try await group.waitForAll()
        }
    }

    /// What the phone does of itself, for as long as it is online.
    private func act(_ phone: SimulatedPhone) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await phone.beat()
                try await every(Self.heartbeatInterval) { _ in await phone.beat() }
            }
            if let interval = settings.receiveEvery {
                group.addTask {
                    try await every(interval) { number in
                        let content = "\(dice.pick(Self.texts)) (\(number))"
                        await phone.receive(content, from: dice.pick(Self.contacts))
                    }
                }
            }
            if let interval = settings.missedCallEvery {
                group.addTask {
                    try await every(interval) { _ in await phone.missCall(from: dice.pick(Self.contacts)) }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Calls `action` again and again, with its number from 1, until the task is cancelled.
    ///
    /// One that has to be repeated does not hold the next one back; when 256 are open, the next one waits.
    private func every(_ interval: Duration, _ action: @escaping @Sendable (Int) async -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            var number = 1
            while true {
                try await Task.sleep(for: interval)
                if number > Self.bound { try await group.next() }
                group.addTask { [number] in await action(number) }
                number += 1
            }
        }
    }

    private func warnWithoutPush(_ url: String) async throws {
        try await Task.sleep(for: Self.patience)
        guard journal.number(of: .pushes) == 0 else { return }
        journal.note(
            "no push yet", "if messages wait: was the server started with FCM_ENDPOINT=\(url), and can it reach that?")
    }

    /// What may be open of each kind at once.
    private static let bound = 256

    /// 15 minutes, as in the app.
    private static let heartbeatInterval: Duration = .seconds(900)

    /// After 30 s without a push the operator is told what may be missing.
    private static let patience: Duration = .seconds(30)

    /// What the app reports when Android cannot send.
    private static let failures = ["GENERIC_FAILURE", "NO_SERVICE", "NULL_PDU", "RADIO_OFF", "LIMIT_EXCEEDED"]

    /// Numbers that belong to nobody (NANP 555-01XX).
    static let contacts = (0..<10).map { "+1800555010\($0)" }

    /// What they write.
    static let texts = ["Hello!", "Yes, please.", "On my way.", "Call me back.", "Thank you!", "STOP"]
}

extension PhoneSimulator {
    /// Runs a simulated phone until SIGTERM or SIGINT.
    ///
    /// - Parameters:
    ///   - settings: Which phone, and how it behaves.
    ///   - say: Takes each line, without its end.
    /// - Throws: Why the phone cannot be used, in words for whoever started it.
    package static func runAlone(
        _ settings: PhoneSimulator.Settings, say: @escaping @Sendable (String) -> Void
    ) async throws {
        try await simulate(PhoneSimulator(settings, say: say))
    }

    /// Runs a simulated phone until it ends, SIGTERM or SIGINT.
    static func simulate(_ phone: any Service) async throws {
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(
                        service: phone,
                        successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup)
                ],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "httpsms", factory: { _ in SwiftLogNoOpLogHandler() })))
        try await group.run()
    }
}
