import Storage
import Timestamps

@testable import Delivery
@testable import Storage

/// A process: the dispatcher's core, its lease, and what it has in hand. A restart makes a new one.
final class SimulatedNode {
    /// The machine; its clocks go on through restarts.
    let number: Int
    /// Counts restarts: what belongs to an earlier incarnation is nobody's any more.
    let incarnation: Int
    let clock: SimulatedClock
    let wakeups = Wakeups()
    /// Dates transactions, as in the store of production.
    let transactionTime: MonotonicClock
    let lease: OwnLease
    var core: DispatcherCore
    var inbox: [DispatcherCore.Input] = []
    var results: [RecordedAttempt] = []
    var returned: [ClaimedDelivery] = []
    var isRecording = false
    var isAlive = true
    /// The names that are known, and until when.
    var names: [EndpointID: Duration] = [:]
    var nextRenewal: ContinuousClock.Instant
    /// Which other nodes are dead.
    var watch = LeaseWatch(life: Simulation.life)
    /// The next step that is planned, so that a wake-up makes another one superfluous.
    var stepNumber = 0

    init(number: Int, incarnation: Int, clock: SimulatedClock, limits: ReadySet.Limits) {
        self.number = number
        self.incarnation = incarnation
        self.clock = clock
        transactionTime = MonotonicClock(clock)
        lease = OwnLease(Lease(from: clock), until: clock.boot(), clock: clock)
        core = DispatcherCore(limits: limits, scanInterval: .seconds(1), at: clock.boot())
        nextRenewal = clock.boot()
    }

    var name: String { "node \(number).\(incarnation)" }
}

/// A machine's clocks: how far they are from the truth.
struct SimulatedMachine {
    let clock: SimulatedClock
    /// Whether its time of day is believed.
    let clocks: ClockGuard
    /// The time of day beside the true one.
    var wallOffset: Duration
    /// By the true time: what happens before is put off until then.
    var frozenUntil: Duration = .zero
    var wasSetBack = false
}
