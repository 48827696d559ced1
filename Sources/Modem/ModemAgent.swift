import Foundation
import JSON
import Logging
import PhoneSimulator
import ServiceLifecycle
import Synchronization
import Timestamps
import UnixSignals
import Wire

/// `httpsms modem run`: stands between a server and gammu-smsd until it is stopped.
///
/// Everything that must survive is in the folder, so it may be killed at any time.
package final class ModemAgent: Service {
    private let folder: ModemFolder
    private let ledger: ModemLedger
    private let inbox: ModemInbox
    private let clock: any WallClock
    private let say: @Sendable (String) -> Void
    private let state: Mutex<State>

    private struct State {
        var device: ModemDevice
        /// Whether the server said that there is something to fetch.
        var wantsPull = true
        var pulledAt: ContinuousClock.Instant?
        var isStreaming = false
        var hook: (url: String, key: String)?
        /// Whether one of the loops registers the modem again: all of them are refused at the same time.
        var isRenewing = false
    }

    /// - Parameters:
    ///   - folder: With all of its parts.
    ///   - device: As it was paired.
    ///   - clock: The machine's.
    ///   - say: Takes each line for people, without its end; lines hold no numbers and no texts.
    package init(
        _ folder: ModemFolder, device: ModemDevice, clock: any WallClock = SystemClock(),
        say: @escaping @Sendable (String) -> Void
    ) {
        (self.folder, self.clock, self.say) = (folder, clock, say)
        ledger = ModemLedger(folder, clock: clock, say: say)
        inbox = ModemInbox(folder, clock: clock, say: say)
        state = Mutex(State(device: device))
    }

    /// Lives until graceful shutdown or cancellation.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    await self.loop("cannot use its folder", every: .milliseconds(500)) { try await self.spool() }
                }
                group.addTask {
                    await self.loop("cannot fetch messages", every: .milliseconds(250)) { try await self.pull() }
                }
                group.addTask {
                    await self.loop("cannot report", every: .milliseconds(250)) { try await self.report() }
                }
                group.addTask {
                    await self.loop("cannot pass on", every: .milliseconds(500)) { try await self.passOn() }
                }
                group.addTask { await self.loop("cannot ping", every: .seconds(900)) { try await self.ping() } }
                group.addTask { await self.loop("has no stream", every: .seconds(1)) { try await self.stream() } }
            }
        }
    }

    /// Does something again and again: after a failure with growing waits, a minute at most.
    private func loop(_ what: String, every interval: Duration, _ action: () async throws -> Void) async {
        var failures = 0
        while !Task.isCancelled {
            var wait = interval
            do {
                try await action()
                if failures > 0 { say("works again, after: \(what)") }
                failures = 0
            } catch {
                if Task.isCancelled { return }
                failures = min(failures + 1, 7)
                wait = min(.milliseconds(500 << failures), .seconds(60))
                if failures == 1 { say("\(what): \(error)") }
                if (error as? ModemAPI.Refusal)?.status == 401 { await renew() }
            }
            // It throws when the task is cancelled, which the loop sees.
            try? await clock.sleep(for: wait)
        }
    }

    private var api: ModemAPI { ModemAPI(state.withLock { $0.device }) }

    private func spool() async throws {
        try await ledger.settle()
        try await inbox.takeReports { try await ledger.delivered($0) }
    }

    /// Fetches when it is told to, and every minute, or quarter of an hour beside a stream.
    private func pull() async throws {
        let isDue = state.withLock { state in
            let interval: Duration = state.isStreaming ? .seconds(900) : .seconds(60)
            let isDue = state.wantsPull || state.pulledAt.map { ContinuousClock.now - $0 > interval } ?? true
            if isDue { state.wantsPull = false }
            return isDue
        }
        guard isDue else { return }
        do {
            let offers = try await api.pull()
            try await ledger.accept(offers)
            state.withLock { $0.pulledAt = ContinuousClock.now }
        } catch {
            state.withLock { $0.wantsPull = true }
            throw error
        }
    }

    private func report() async throws {
        let news = await ledger.unreported(limit: 50)
        if news.isEmpty { return }
        try await api.report(news)
        try await ledger.reported(news)
    }

    private func passOn() async throws {
        while let next = inbox.next() {
            try await post(next.event)
            try inbox.remove(next)
            say("passed on  \(next.what)")
        }
    }

    private func ping() async throws {
        try await post(ModemEvent(id: UUID().uuidString.lowercased(), kind: .ping))
    }

    private func post(_ event: ModemEvent) async throws {
        let api = api
        let hook: (url: String, key: String)
        if let known = state.withLock({ $0.hook }) {
            hook = known
        } else {
            guard let url = try await api.hook() else {
                throw ModemAPI.Refusal(status: 200, description: "the server names no address for SMS")
            }
            hook = (url, try await api.signingKey())
            state.withLock { $0.hook = hook }
        }
        do {
            try await api.post(event, to: hook.url, signedWith: hook.key, at: clock.now())
        } catch let refusal as ModemAPI.Refusal {
            // The address may have changed.
            state.withLock { $0.hook = nil }
            throw refusal
        }
    }

    private func stream() async throws {
        defer { state.withLock { $0.isStreaming = false } }
        do {
            try await api.stream {
                // What was told while there was none is fetched now.
                self.state.withLock { ($0.isStreaming, $0.wantsPull) = (true, true) }
                self.say("connected")
            } said: { event in
                await self.take(event.name ?? "MessageEnqueued", event.data)
            }
        } catch {
            // One that was open breaks when the server restarts: the next one is opened at once.
            guard state.withLock({ $0.isStreaming }) else { throw error }
        }
    }

    private func take(_ event: String, _ data: String) async {
        struct Cancelled: Decodable {
            let messageId: String
        }
        switch event {
        case "MessageEnqueued": state.withLock { $0.wantsPull = true }
        case "WebhooksUpdated", "SettingsUpdated": state.withLock { $0.hook = nil }
        case "MessageCancelled":
            guard let cancelled = try? JSONDecoder().decode(Cancelled.self, fromAnswer: Array(data.utf8)) else {
                return
            }
            do { try await ledger.cancel(cancelled.messageId) } catch { say("cannot cancel: \(error)") }
        default: break
        }
    }

    /// The token is not known any more: the modem may have been paired again meanwhile, or has what pairs it.
    private func renew() async {
        let isFirst = state.withLock { state in
            defer { state.isRenewing = true }
            return !state.isRenewing
        }
        guard isFirst else { return }
        defer { state.withLock { $0.isRenewing = false } }
        let old = state.withLock { $0.device }
        do {
            if let device = try ModemDevice.read(folder), device.token != old.token {
                state.withLock { ($0.device, $0.hook) = (device, nil) }
            } else if let token = old.privateToken {
                let device = try await ModemAPI.register(at: old.url, .privateToken(token), name: ModemAgent.name)
                try device.write(folder)
                state.withLock { ($0.device, $0.hook) = (device, nil) }
                say("registered again as device \(device.id)")
            }
        } catch {
            say("cannot register again: \(error); pair the modem again with `httpsms modem pair`")
        }
    }

    /// As the server shows it.
    package static let name = "gammu-smsd"

    /// Runs an agent as a program of its own, until SIGTERM or SIGINT.
    package static func runAlone(_ folder: ModemFolder, say: @escaping @Sendable (String) -> Void) async throws {
        try folder.make()
        try folder.lock()
        guard let device = try ModemDevice.read(folder) else {
            throw ModemAPI.Refusal(status: 0, description: "this modem is not paired: use `httpsms modem pair` first")
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: ModemAgent(folder, device: device, say: say))],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "httpsms", factory: { _ in SwiftLogNoOpLogHandler() })))
        try await group.run()
    }
}
