import Synchronization
import Timestamps

/// Lets an ``SMSGateApp`` live: makes its calls, keeps its streams, and stands for the radio.
package final class SMSGateShell: Sendable {
    /// What becomes of an SMS on the radio.
    package enum Fate: Hashable, Sendable {
        case delivered
        /// Android refuses it, with the name of a result code and its words.
        case failed(String)
    }

    /// How the radio behaves, and what the driver of the phone wants to see.
    package struct Behaviour: Sendable {
        /// From the radio to `Sent`, and again to `Delivered`.
        package var latency: Duration = .milliseconds(300)
        /// How often due work is looked for.
        package var pulse: Duration = .milliseconds(50)
        /// Decides what becomes of an SMS.
        package var fate: @Sendable (SMSGateMessages.Outgoing) -> Fate = { _ in .delivered }
        /// Sees what the app does, in order, before it is done.
        package var observe: @Sendable (SMSGateApp.Effect) -> Void = { _ in }

        /// Everything is delivered within a second.
        package init() {}
    }

    private struct State {
        var app: SMSGateApp
        /// Ends the calls and streams that are open.
        var ends: [Open: AsyncStream<Void>.Continuation] = [:]
    }

    private enum Open: Hashable {
        case call(SMSGateApp.CallID)
        case stream(Int)
    }

    private let transport: SMSGateTransport
    private let behaviour: Behaviour
    private let clock: any WallClock
    private let state: Mutex<State>
    private let inputs: AsyncStream<SMSGateApp.Input>
    private let continuation: AsyncStream<SMSGateApp.Input>.Continuation

    /// - Parameters:
    ///   - phone: The phone, on which the app is installed afresh.
    ///   - transport: Makes the calls.
    ///   - behaviour: Of the radio.
    ///   - clock: The true time; the phone's own is off by its error.
    package init(
        _ phone: SMSGatePhone, over transport: SMSGateTransport, behaviour: Behaviour = Behaviour(),
        clock: any WallClock = SystemClock()
    ) {
        self.transport = transport
        self.behaviour = behaviour
        self.clock = clock
        state = Mutex(State(app: SMSGateApp(phone)))
        (inputs, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(100_000))
    }

    /// What the app is like at this moment.
    package var app: SMSGateApp { state.withLock { $0.app } }

    /// Something happens to the phone; it is taken in its turn.
    package func happen(_ input: SMSGateApp.Input) {
        continuation.yield(input)
    }

    /// Lives until the task is cancelled; may be called once.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.pulse() }
            for await input in inputs {
                let effects = state.withLock { $0.app.handle(input, at: clock.now()) }
                for effect in effects {
                    behaviour.observe(effect)
                    perform(effect, &group)
                }
            }
            group.cancelAll()
        }
    }

    /// Says again and again that time has passed.
    private func pulse() async {
        while !Task.isCancelled {
            // It throws when the task is cancelled, which the loop sees.
            try? await clock.sleep(for: behaviour.pulse)
            if let due = app.nextDue, due <= clock.now() { happen(.tick) }
        }
    }

    private func perform(_ effect: SMSGateApp.Effect, _ group: inout DiscardingTaskGroup) {
        switch effect {
        case .note: break
        case .abandon(let call): end(.call(call))
        case .cancelStream(let number): end(.stream(number))
        case .call(let call, let request):
            open(.call(call), &group) { [self] in
                guard app.phone.mayCall(request.url) else { return happen(.answered(call, nil)) }
                happen(.answered(call, await transport.call(request)))
            } onEnd: { [self] in
                happen(.answered(call, nil))
            }
        case .openStream(let number, let request):
            open(.stream(number), &group) { [self] in
                guard app.phone.mayCall(request.url) else { return happen(.streamEnded(number)) }
                await transport.read(request) {
                    happen(.streamOpened(number))
                } said: { event in
                    happen(.streamSaid(number, name: event.name, data: event.data))
                }
                happen(.streamEnded(number))
            } onEnd: { [self] in
                happen(.streamEnded(number))
            }
        case .radio(let outgoing):
            group.addTask { [self] in await send(outgoing) }
        }
    }

    /// Runs `action` until it is done or ended from outside.
    private func open(
        _ name: Open, _ group: inout DiscardingTaskGroup, _ action: @escaping @Sendable () async -> Void,
        onEnd: @escaping @Sendable () -> Void
    ) {
        let (signals, end) = AsyncStream.makeStream(of: Void.self)
        state.withLock { $0.ends[name] = end }
        group.addTask { [self] in
            await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    await action()
                    return true
                }
                group.addTask {
                    for await _ in signals {}
                    return false
                }
                if await group.next() == false { onEnd() }
                group.cancelAll()
            }
            _ = state.withLock { $0.ends.removeValue(forKey: name) }
        }
    }

    private func end(_ name: Open) {
        state.withLock { $0.ends.removeValue(forKey: name) }?.finish()
    }

    /// Stands for Android and the network.
    private func send(_ outgoing: SMSGateMessages.Outgoing) async {
        do {
            try await clock.sleep(for: behaviour.latency)
            switch behaviour.fate(outgoing) {
            case .failed(let reason): happen(.sent(id: outgoing.id, error: reason))
            case .delivered:
                happen(.sent(id: outgoing.id, error: nil))
                guard outgoing.wantsReport else { return }
                try await clock.sleep(for: behaviour.latency)
                happen(.delivered(id: outgoing.id, status: nil))
            }
        } catch {
            // The phone was switched off.
        }
    }
}
