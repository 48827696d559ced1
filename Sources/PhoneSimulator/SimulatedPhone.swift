import HTTPSMSWebhooks
import Synchronization
import Timestamps

/// An Android phone with the app on it, as far as the server can tell.
///
/// It answers pushes as the app does: fetches the message, sends it (which here is waiting), and reports what became of
/// it. Reports that the server does not take are repeated as the app repeats them; one that is lost stays lost.
package final class SimulatedPhone: Sendable {
    /// What becomes of an outgoing SMS.
    package enum Fate: Hashable, Sendable {
        /// It is sent, and reaches the other phone.
        case delivered
        /// It is not sent, for a reason as Android names it.
        case failed(reason: String)
        /// The phone says nothing more about it.
        case forgotten
    }

    /// How it behaves.
    package struct Behaviour: Sendable {
        /// From fetching to SENT, and again to DELIVERED or FAILED.
        var latency: Duration
        /// The first wait before a report is sent again; each further one is twice as long. WorkManager begins with 30 s.
        var backOff: Duration
        /// Decides what becomes of an SMS.
        var fate: @Sendable (PhoneAPI.Outstanding) -> Fate

        /// Behaves like a phone whose reports take `latency` each and of whose messages becomes what `fate` says.
        package init(
            latency: Duration, backOff: Duration = .seconds(30),
            fate: @escaping @Sendable (PhoneAPI.Outstanding) -> Fate
        ) {
            self.latency = latency
            self.backOff = backOff
            self.fate = fate
        }
    }

    private let api: PhoneAPI
    private let behaviour: Behaviour
    private let journal: PhoneJournal
    private let clock: any WallClock
    private let isOnline = Mutex(true)

    /// A phone that is online and was never registered.
    package init(_ api: PhoneAPI, behaviour: Behaviour, journal: PhoneJournal, clock: any WallClock = SystemClock()) {
        self.api = api
        self.behaviour = behaviour
        self.journal = journal
        self.clock = clock
    }

    /// Registers, and waits for the server to be there if need be.
    ///
    /// - Throws: ``PhoneAPI/Refusal``, and `CancellationError` while it waits.
    package func register(token: String) async throws {
        var isFirst = true
        while try await !api.register(token: token) {
            if isFirst { journal.note("waiting", "no answer from \(api.baseURL) yet") }
            isFirst = false
            try await Task.sleep(for: .seconds(1))
        }
        journal.note("registered", "\(PhoneJournal.masked(api.number)) as \(api.sim.rawValue)")
    }

    /// From now on nothing is sent any more, as if the phone lay in a tunnel; pushes are noted and left.
    func goOffline() {
        isOnline.withLock { $0 = false }
        journal.note("offline", "from now on: pushes are left, nothing is sent")
    }

    /// Answers pushes until `arrivals` end or the task is cancelled; at most 256 messages are in hand at once.
    package func answer(_ arrivals: AsyncStream<PushEndpoint.Arrival>) async {
        await withTaskGroup(of: Void.self) { group in
            var inHand = 0
            for await arrival in arrivals {
                if inHand == Self.bound {
                    await group.next()
                    inHand -= 1
                }
                inHand += 1
                group.addTask { await self.answer(arrival) }
            }
            group.cancelAll()
        }
    }

    private func answer(_ arrival: PushEndpoint.Arrival) async {
        switch arrival {
        case .heartbeat:
            journal.count(.pushes, "push", "asks for a heartbeat")
            await beat()
        case .message(let id):
            journal.count(.pushes, "push", "message \(id)")
            await send(id)
        }
    }

    /// Sends a heartbeat; what comes of it makes no difference to the app.
    package func beat() async {
        guard isOnline.withLock({ $0 }) else { return }
        let status = await api.beat()
        if status.map((200..<300).contains) == true {
            journal.count(.heartbeats, "heartbeat")
        } else {
            journal.count(.losses, "heartbeat", Self.words(status))
        }
    }

    /// Receives an SMS and passes it on.
    package func receive(_ content: String, from contact: String) async {
        let time = clock.now()
        await tell(.receive, .received, "received SMS", "from \(PhoneJournal.masked(contact))") { api in
            await api.receive(content, from: contact, at: time)
        }
    }

    /// Misses a call and tells of it.
    package func missCall(from contact: String) async {
        let time = clock.now()
        await tell(.missedCall, .missedCalls, "missed call", "from \(PhoneJournal.masked(contact))") { api in
            await api.missCall(from: contact, at: time)
        }
    }

    private func send(_ id: String) async {
        guard isOnline.withLock({ $0 }) else { return }
        let message: PhoneAPI.Outstanding
        do {
            message = try await api.outstanding(id)
        } catch {
            journal.count(.losses, "not fetched", "message \(id): \(error)")
            return
        }
        let size = "\(message.content.count) characters"
        journal.count(.fetched, "fetched", "message \(id) to \(PhoneJournal.masked(message.contact)), \(size)")
        let fate = await fate(of: message)
        // A report that has to wait does not keep the next one back: to the app they are separate jobs.
        await withTaskGroup(of: Void.self) { group in
            do {
                try await Task.sleep(for: behaviour.latency)
                switch fate {
                case .forgotten: journal.note("forgotten", "message \(id)")
                case .failed(let reason): await report("FAILED", .failed, id, reason, &group)
                case .delivered:
                    await report("SENT", .sent, id, nil, &group)
                    // Of an MMS the app hears no delivery.
                    if message.attachments?.isEmpty == false { break }
                    try await Task.sleep(for: behaviour.latency)
                    await report("DELIVERED", .delivered, id, nil, &group)
                }
            } catch {
                journal.count(.losses, "given up", "message \(id): the phone was switched off")
            }
        }
    }

    /// What the app itself finds wrong comes first.
    private func fate(of message: PhoneAPI.Outstanding) async -> Fate {
        if message.encrypted {
            return .failed(reason: "Outgoing message is encrypted but mobile app has no encryption key")
        }
        for url in message.attachments ?? [] where await !api.canDownload(url) {
            return .failed(reason: "Failed to download attachment or file size exceeded 1.5MB.")
        }
        return behaviour.fate(message)
    }

    private func report(
        _ event: String, _ item: PhoneJournal.Item, _ id: String, _ reason: String?, _ group: inout TaskGroup<Void>
    ) async {
        let time = clock.now()
        let details = "message \(id)" + (reason.map { ": \($0)" } ?? "")
        let call = { @Sendable (api: PhoneAPI) in await api.report(event, id, reason: reason, at: time) }
        if await attempt(.report, item, event, details, call) {
            group.addTask { await self.repeated(.report, item, event, details, call) }
        }
    }

    private func tell(
        _ call: PhoneAPI.Call, _ item: PhoneJournal.Item, _ what: String, _ details: String,
        _ send: @escaping @Sendable (PhoneAPI) async -> Int?
    ) async {
        if await attempt(call, item, what, details, send) { await repeated(call, item, what, details, send) }
    }

    /// Makes a call once, and tells whether it has to be made again.
    private func attempt(
        _ call: PhoneAPI.Call, _ item: PhoneJournal.Item, _ what: String, _ details: String,
        _ send: @Sendable (PhoneAPI) async -> Int?
    ) async -> Bool {
        guard isOnline.withLock({ $0 }) else { return false }
        let status = await send(api)
        switch PhoneAPI.conclusion(of: call, status: status) {
        case .done: journal.count(item, what, details)
        case .refused: journal.count(.losses, "refused", "\(what) \(details): \(Self.words(status)), and forgotten")
        case .lost: journal.count(.losses, "lost", "\(what) \(details): \(Self.words(status))")
        case .retry:
            journal.count(.retries, "not taken", "\(what) \(details): \(Self.words(status)), again later")
            return true
        }
        return false
    }

    /// Makes a call again until that is over, or the task is cancelled.
    private func repeated(
        _ call: PhoneAPI.Call, _ item: PhoneJournal.Item, _ what: String, _ details: String,
        _ send: @Sendable (PhoneAPI) async -> Int?
    ) async {
        var wait = behaviour.backOff
        repeat {
            do { try await Task.sleep(for: wait) } catch { return }
            wait = min(wait * 2, Self.longestBackOff)
        } while await attempt(call, item, what, details, send)
    }

    private static func words(_ status: Int?) -> String {
        status.map { "the server answered \($0)" } ?? "no answer"
    }

    /// Each holds a request's memory and a timer.
    private static let bound = 256

    /// 5 h, as in WorkManager.
    private static let longestBackOff: Duration = .seconds(5 * 3_600)
}
