import Delivery
import Logging
import ServiceLifecycle
import Storage
import Synchronization
import Timestamps

/// The event streams of devices that are open on this node.
///
/// What there is to tell a device stands in the store: messages that were handed out and not fetched, lists that it has not
/// fetched, and messages to give up. A commit that changes any of it nudges the device; each of its streams then looks. A
/// nudge that is lost with a connection between nodes is found in `nudged_at` within a second.
///
/// A stream is never ended because another one of its device opened: the app knows one stream only, and would take the end of
/// the old one for that of the new one. A device that opens more than 64 gets no more.
final class DeviceStreams: Service {
    /// One open stream, woken by nudges and when its time has come.
    final class Stream: Sendable {
        private struct State {
            var isNudged = false
            var isOver = false
            /// Whether it is woken for another reason.
            var isCalled = false
            /// When it has something to do by itself, by the steady clock; nil while it does something.
            var due: Duration?
            var waiter: CheckedContinuation<Void, Never>?

            var isReady: Bool { isNudged || isOver || isCalled }
        }

        private let state = Mutex(State())
        private let leave: @Sendable () -> Void

        init(leave: @escaping @Sendable () -> Void) {
            self.leave = leave
        }

        deinit { leave() }

        /// Whether the device has left.
        var isOver: Bool { state.withLock { $0.isOver } }

        /// Says that the device has left.
        func end() { wake { $0.isOver = true } }

        /// Has the stream look at the store.
        func nudge() { wake { $0.isNudged = true } }

        /// Wakes the stream if it waits for a time up to `now`.
        func call(at now: Duration) {
            wake { state in
                if let due = state.due, due <= now { state.isCalled = true }
            }
        }

        /// Whether it was nudged since the last call.
        func takeNudge() -> Bool {
            state.withLock { state in
                defer { state.isNudged = false }
                return state.isNudged
            }
        }

        private func wake(_ change: (inout State) -> Void) {
            let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
                change(&state)
                guard state.isReady else { return nil }
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume()
        }

        /// Waits for a nudge, the end, cancellation, or until `due` by the steady clock, which it notices within a second. It needs
        /// no timer of its own: a thousand streams that say something every 15 s would be a thousand of them.
        func wait(until due: Duration) async {
            state.withLock { ($0.due, $0.isCalled) = (due, false) }
            await wait()
            state.withLock { $0.due = nil }
        }

        private func wait() async {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        if state.isReady || Task.isCancelled { return true }
                        state.waiter = continuation
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                wake { $0.isCalled = true }
            }
        }
    }

    /// The hub holds no stream: one is gone with the response that holds it.
    private struct WeakStream {
        weak var stream: Stream?
    }

    private struct State {
        /// By device, and by the order in which they opened.
        var devices: [DeviceID: [Int: WeakStream]] = [:]
        var next = 0
    }

    private let state = Mutex(State())
    private let store: any Store
    private let clock: any WallClock
    private let logger: Logger

    /// Of one device. Dead ones pile up on a bad network until TCP notices, within a minute.
    static let mostOfOne = 64

    init(store: any Store, clock: any WallClock, logger: Logger) {
        self.store = store
        self.clock = clock
        self.logger = logger
    }

    /// How many streams are open here.
    var count: Int { state.withLock { $0.devices.values.reduce(0) { $0 + $1.count } } }

    /// Takes part in what `device` is told; nil when it has 64 streams already.
    func open(_ device: DeviceID) -> Stream? {
        state.withLock { state in
            guard state.devices[device]?.count ?? 0 < Self.mostOfOne else { return nil }
            let number = state.next
            state.next += 1
            let stream = Stream { [weak self] in self?.close(number, of: device) }
            state.devices[device, default: [:]][number] = WeakStream(stream: stream)
            return stream
        }
    }

    private func close(_ number: Int, of device: DeviceID) {
        state.withLock { state in
            state.devices[device]?[number] = nil
            if state.devices[device]?.isEmpty ?? false { state.devices[device] = nil }
        }
    }

    /// Hands nudges to streams and wakes those whose time has come, until graceful shutdown.
    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            var look = Look()
            var ticked = clock.steady()
            while !Task.isCancelled {
                await store.wakeups.wait(for: .devices, atMost: max(ticked + Self.interval - clock.steady(), .zero))
                nudge(store.wakeups.takeKeys(.devices).compactMap { DeviceID($0) })
                let steady = clock.steady()
                guard steady - ticked >= Self.interval else { continue }
                ticked = steady
                for stream in all { stream.call(at: steady) }
                if count > 0 { await self.look(&look) }
            }
        }
        // They see that the server ends.
        for stream in all { stream.nudge() }
    }

    /// What was seen of nudges in the store.
    private struct Look {
        var seenAt: Timestamp?
        /// When devices were nudged last that streams were told of, of the time that is looked at again.
        var nudged: [DeviceID: Timestamp] = [:]
        var isFailing = false
    }

    private func look(_ look: inout Look) async {
        do {
            let since = look.seenAt
            let (found, now) = try await store.read(.maintenance) { tx in
                (try PhoneDeviceQueries.nudged(since: (since ?? tx.now) - Self.overlap, in: tx), tx.now)
            }
            nudge(found.filter { look.nudged[$0.key] != $0.value }.map(\.key))
            (look.seenAt, look.nudged, look.isFailing) = (now, found, false)
        } catch {
            if !look.isFailing {
                logger.error("streams of devices cannot look", metadata: ["error": "\(error)"])
            }
            look.isFailing = true
        }
    }

    private func nudge(_ devices: [DeviceID]) {
        let streams = state.withLock { state in
            devices.flatMap { state.devices[$0]?.values.compactMap(\.stream) ?? [] }
        }
        for stream in streams { stream.nudge() }
    }

    private var all: [Stream] {
        state.withLock { $0.devices.values.flatMap { $0.values.compactMap(\.stream) } }
    }

    private static let interval: Duration = .seconds(1)
    /// What another node nudged by a clock that is behind, or in a transaction that ended late.
    private static let overlap: Duration = .seconds(5)
}
