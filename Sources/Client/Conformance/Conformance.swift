import Delivery
import HTTPSMSWebhooks
import Storage
import Timestamps

/// Plays the server towards one receiver and judges what it does, with the code that the server signs and sends with.
package struct Conformance: Sendable {
    /// What is tested, and how.
    package struct Options: Sendable {
        /// Where the receiver listens.
        package var url: String
        /// The signing key that the receiver has.
        package var signingKey: String
        /// What the receiver expects as `aud`; nil for the URL.
        package var audience: String?
        /// What the receiver decrypts with.
        package var passphrase: String
        /// The file that the receiver writes what it handled to; nil when only its answers are judged.
        package var handledLog: String?
        /// The checks to run.
        package var checks: [ConformanceCheck]

        /// Names a receiver and what is tested.
        package init(
            url: String, signingKey: String, audience: String? = nil, passphrase: String, handledLog: String? = nil,
            checks: [ConformanceCheck] = ConformanceCheck.allCases
        ) {
            self.url = url
            self.signingKey = signingKey
            self.audience = audience
            self.passphrase = passphrase
            self.handledLog = handledLog
            self.checks = checks
        }
    }

    /// Runs the checks, one after the other; some seconds with a receiver that answers at once.
    ///
    /// - Throws: ``ClientFailure``: `usage` when the URL or the log cannot be used, `unreachable` when nobody answers.
    package static func run(_ options: Options) async throws -> ConformanceReport {
        let url: CallbackURL
        do {
            url = try CallbackURL(options.url)
        } catch {
            throw ClientFailure(.usage, "--url: \(error)")
        }
        guard !options.signingKey.allSatisfy(\.isWhitespace) else {
            throw ClientFailure(.usage, "--signing-key must not be empty")
        }
        let log = try options.handledLog.map { (path) throws(ClientFailure) in try HandledLog(path: path) }
        return try await withOpenSender { sender in
            try await Conformance(options: options, url: url, log: log, sender: sender).run()
        }
    }

    private let options: Options
    private let url: CallbackURL
    private let log: HandledLog?
    private let sender: HTTPSender
    private let requests: ConformanceRequests

    private init(options: Options, url: CallbackURL, log: HandledLog?, sender: HTTPSender) {
        self.options = options
        self.url = url
        self.log = log
        self.sender = sender
        requests = ConformanceRequests(
            signingKey: options.signingKey, audience: options.audience ?? options.url,
            cipher: MessageCipher(passphrase: options.passphrase), clock: SystemClock())
    }

    private struct Trial {
        let check: ConformanceCheck
        var outcomes: [(step: ConformanceStep, result: AttemptResult)] = []
    }

    private func run() async throws -> ConformanceReport {
        var trials: [Trial] = []
        for check in options.checks {
            trials.append(Trial(check: check, outcomes: try await outcomes(of: check)))
            if trials.count == 1 { try requireReachable(trials[0]) }
        }
        let handled = try await handled(in: trials)
        return ConformanceReport(
            url: options.url, seesHandling: log != nil,
            results: trials.map { trial in
                let faults = trial.outcomes.compactMap { outcome in
                    outcome.step.answer.fault(in: outcome.result)
                        ?? handled.flatMap { outcome.step.handling.fault(in: $0) }
                }
                let slowest = trial.outcomes.map(\.result.answerTime).max() ?? .zero
                return ConformanceReport.Result(
                    check: trial.check, fault: faults.first,
                    statuses: trial.outcomes.map(\.result.outcome.statusCode), slowest: slowest)
            })
    }

    private func outcomes(of check: ConformanceCheck) async throws -> [(ConformanceStep, AttemptResult)] {
        let steps = try requests.steps(of: check)
        if check == .accepts(.burst) {
            return await withTaskGroup(of: (ConformanceStep, AttemptResult).self) { group in
                for step in steps { group.addTask { (step, await send(step, within: Self.burstPatience)) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
        var outcomes: [(ConformanceStep, AttemptResult)] = []
        for step in steps { outcomes.append((step, await send(step))) }
        return outcomes
    }

    private func send(
        _ step: ConformanceStep, within limit: Duration = AttemptRunner.timeLimit
    ) async -> AttemptResult {
        await sender.send(
            WebhookRequest(poolKey: "conformance", url: url, headers: step.headers, body: step.body),
            within: limit)
    }

    /// A receiver that does not even take a connection at the first request is not there.
    private func requireReachable(_ first: Trial) throws(ClientFailure) {
        for outcome in first.outcomes {
            guard let failure = outcome.result.outcome.failure else { return }
            guard failure.isUnreachable else { return }
            throw ClientFailure(.unreachable, "\(options.url) cannot be reached (\(failure)). \(failure.code.hint)")
        }
    }

    /// What the receiver says it handled, once it had time to handle everything; nil when it says nothing.
    private func handled(in trials: [Trial]) async throws -> [String: [HandledEvent]]? {
        guard let log else { return nil }
        let closing = requests.closing()
        let taken = trials.flatMap(\.outcomes).filter { $0.step.answer.fault(in: $0.result) == nil }
        let ids = taken.compactMap { outcome in
            if case .once(let event, _) = outcome.step.handling { event.id } else { nil }
        }
        guard case .once(let last, _) = closing.handling else { return nil }
        _ = await send(closing)
        var deadline = ContinuousClock.now + Self.patience
        var isNearlyOver = false
        while true {
            let handled = log.events()
            if handled[last.id] != nil, ids.allSatisfy({ handled[$0] != nil }) { return handled }
            if handled[last.id] != nil, !isNearlyOver {
                isNearlyOver = true
                deadline = min(deadline, ContinuousClock.now + Self.grace)
            }
            if ContinuousClock.now >= deadline { return handled }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// 30 s for the last of 50 requests that came at once: the burst shows that none is lost, also on a machine that is busy
    /// with other things; how quickly a receiver answers is what ``ConformanceCheck/Genuine/prompt`` judges.
    private static let burstPatience: Duration = .seconds(30)

    /// 20 s for the work on everything that was sent, also on a busy machine.
    private static let patience: Duration = .seconds(20)

    /// 1 s more once what was sent last is handled, for workers that do not keep the order.
    private static let grace: Duration = .seconds(1)
}

extension ConformanceStep.Handling {
    fileprivate func fault(in handled: [String: [HandledEvent]]) -> String? {
        switch self {
        case .unjudged: return nil
        case .never(let id): return handled[id] == nil ? nil : "handled, although it must be refused"
        case .once(let expected, let withContent):
            guard let events = handled[expected.id], let first = events.first else { return "not handled" }
            guard events.count == 1 else { return "handled \(events.count) times" }
            return first.fault(expected: expected, withContent: withContent)
        }
    }
}

extension AttemptFailure {
    /// Whether there was no connection: nobody is there to answer.
    var isUnreachable: Bool {
        switch code {
        case .dnsFailed, .dnsTimeout, .connectFailed, .connectTimeout, .tlsFailed, .tlsTimeout, .addressBlocked: true
        default: false
        }
    }
}

/// Runs `body` with the server's own sender, which may reach any address here: the user of a command names it.
func withOpenSender<Value>(_ body: (HTTPSender) async throws -> Value) async throws -> Value {
    let everywhere = [
        Network(base: IPAddress(v4: 0), prefixLength: 0), Network(base: IPAddress(v6: 0), prefixLength: 0),
    ]
    let resolver = try SystemResolver()
    let sender = try HTTPSender(resolver: resolver, policy: AddressPolicy(allowedNetworks: everywhere))
    do {
        let value = try await body(sender)
        await sender.shutdown()
        resolver.shutdown()
        return value
    } catch {
        await sender.shutdown()
        resolver.shutdown()
        throw error
    }
}
