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
    /// One open stream, woken by nudges.
    final class Stream: Sendable {
        private struct State {
            var isNudged = false
            var isOver = false
            var waiter: CheckedContinuation<Void, Never>?
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

        private func wake(_ change: (inout State) -> Void) {
            let waiter = state.withLock { state in
                change(&state)
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume()
        }

        /// Waits for a nudge, the end, cancellation, or until `limit` is over.
        func wait(atMost limit: Duration, clock: any WallClock) async {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.wait() }
                group.addTask {
                    // Cancellation ends the sleep early, which is all that is wanted of it.
                    try? await clock.sleep(for: limit)
                }
                await group.next()
                group.cancelAll()
            }
            state.withLock { $0.isNudged = false }
        }

        private func wait() async {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        if state.isNudged || state.isOver || Task.isCancelled { return true }
                        state.waiter = continuation
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                wake { _ in }
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

    /// Hands nudges to streams, until graceful shutdown.
    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            var looked: (at: Duration, seen: Timestamp)?
            var isFailing = false
            while !Task.isCancelled {
                await store.wakeups.wait(for: .devices, atMost: Self.interval)
                nudge(store.wakeups.takeKeys(.devices).compactMap { DeviceID($0) })
                let steady = clock.steady()
                guard count > 0, looked.map({ steady - $0.at >= Self.interval }) ?? true else { continue }
                do {
                    let since = looked?.seen
                    let (found, now) = try await store.read(.maintenance) { tx in
                        (try PhoneDeviceQueries.nudged(since: (since ?? tx.now) - Self.overlap, in: tx), tx.now)
                    }
                    nudge(found)
                    looked = (steady, now)
                    isFailing = false
                } catch {
                    if !isFailing { logger.error("streams of devices cannot look", metadata: ["error": "\(error)"]) }
                    isFailing = true
                }
            }
        }
    }

    private func nudge(_ devices: [DeviceID]) {
        let streams = state.withLock { state in
            devices.flatMap { state.devices[$0]?.values.compactMap(\.stream) ?? [] }
        }
        for stream in streams { stream.nudge() }
    }

    private static let interval: Duration = .seconds(1)
    /// What another node nudged by a clock that is behind, or in a transaction that ended late. Who is nudged twice looks twice.
    private static let overlap: Duration = .seconds(5)
}
