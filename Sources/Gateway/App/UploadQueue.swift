import Delivery
import Foundation
import HTTPTypes
import NIOCore
import NIOPosix
import Storage
import Synchronization

/// Where forms, files and large bodies are read, and in a queue of their own large answers are written: on threads of their own and
/// with a lower priority, so that whatever is in them, other requests, deliveries and leases go on.
///
/// One file of an account is read at a time. Others wait, so many of one account and so many of all, and accounts take
/// turns; who comes after those, or waits for longer than ``usualPatience``, is refused. When
/// the client goes away, its file leaves the queue, or the reading of it stops at the next row.
package final class UploadQueue: Sendable {
    /// Who uploads, and over which connection; nil when nobody can go away.
    package struct Client: Sendable {
        let userID: UserID
        let channel: (any Channel)?

        /// - Parameters:
        ///   - userID: Whose turn it is.
        ///   - channel: The connection whose end says that nobody waits; nil waits to the end.
        package init(userID: UserID, channel: (any Channel)?) { (self.userID, self.channel) = (userID, channel) }
    }

    /// Whether somebody still waits for what is read.
    package final class Cancellation: Sendable {
        private let isCancelled = Mutex(false)

        /// - Throws: When nobody does.
        func check() throws(CancellationError) {
            if isCancelled.withLock({ $0 }) { throw CancellationError() }
        }

        fileprivate func cancel() { isCancelled.withLock { $0 = true } }
    }

    /// A few large files of one account take about that long.
    static let usualPatience: Duration = .seconds(10)
    /// As many as a browser has connections to a server, and some.
    static let waitingPerAccount = 8
    /// More would wait for longer than ``usualPatience`` anyway.
    static let waiting = 64

    /// A processor is left to all else where there are two.
    static let usualThreads = max(1, min(System.coreCount / 2, 4))

    private struct Job: Sendable {
        let id: UInt64
        let userID: UserID
        let deadline: ContinuousClock.Instant
        /// Runs on a thread of the pool.
        let work: @Sendable () -> Void
        let refuse: @Sendable (any Error) -> Void
    }

    private struct State {
        var running: Set<UserID> = []
        var waiting: [Job] = []
        var lastID: UInt64 = 0
    }

    private let state = Mutex(State())
    private let threads: NIOThreadPool

    private let threadCount: Int
    private let patience: Duration

    /// - Parameters:
    ///   - threadCount: How many files are read at the same time.
    ///   - patience: How long a file waits for its turn.
    package init(threads threadCount: Int = usualThreads, patience: Duration = usualPatience) {
        self.threadCount = threadCount
        self.patience = patience
        threads = NIOThreadPool(numberOfThreads: threadCount)
        threads.start()
    }

    deinit {
        threads.shutdownGracefully { _ in }
    }

    /// The number of files that wait for their turn.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Runs `body` on one of the threads when it is the client's turn. It calls `check` between the steps of its work.
    ///
    /// - Throws: ``ServerBusy``; `CancellationError` when the client went away; what `body` throws.
    package func run<Value: Sendable>(
        for client: Client, _ body: @escaping @Sendable (Cancellation) throws -> Value
    ) async throws -> Value {
        let cancellation = Cancellation()
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        let stop: @Sendable () -> Void = { [weak self] in
            cancellation.cancel()
            self?.leave(id)
        }
        func inTurn() async throws -> Value {
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    let job = Job(
                        id: id, userID: client.userID, deadline: .now + patience,
                        work: {
                            continuation.resume(
                                with: Result {
                                    try cancellation.check()
                                    let value = try body(cancellation)
                                    // The next step would not hear of a client that went during this one.
                                    try cancellation.check()
                                    return value
                                })
                        }, refuse: { continuation.resume(throwing: $0) })
                    enter(job, cancellation)
                }
            } onCancel: {
                stop()
            }
        }
        guard let channel = client.channel else { return try await inTurn() }
        return try await ClientDeparture.watch(channel, onDeparture: stop) { try await inTurn() }
    }

    private func enter(_ job: Job, _ cancellation: Cancellation) {
        let refusal: (any Error)? = state.withLock { state in
            // Who left before they came does not wait; who leaves later is found among those who do.
            if (try? cancellation.check()) == nil { return CancellationError() }
            if state.waiting.count(where: { $0.userID == job.userID }) >= Self.waitingPerAccount {
                return ServerBusy(message: "Too many files of this account are being read at the moment.")
            }
            if state.waiting.count >= Self.waiting { return Self.crowded }
            state.waiting.append(job)
            return nil
        }
        if let refusal { job.refuse(refusal) } else { startNext() }
    }

    private func leave(_ id: UInt64) {
        let job = state.withLock { state in
            state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0) }
        }
        job?.refuse(CancellationError())
    }

    /// Starts what can be started, and refuses those whose time is over.
    private func startNext() {
        let now = ContinuousClock.now
        let (late, next) = state.withLock { state in
            let late = state.waiting.filter { $0.deadline < now }
            state.waiting.removeAll { $0.deadline < now }
            var next: [Job] = []
            while state.running.count < threadCount,
                let index = state.waiting.firstIndex(where: { !state.running.contains($0.userID) })
            {
                let job = state.waiting.remove(at: index)
                state.running.insert(job.userID)
                // The account's other files go behind those of all others.
                let others = state.waiting.filter { $0.userID != job.userID }
                state.waiting = others + state.waiting.filter { $0.userID == job.userID }
                next.append(job)
            }
            return (late, next)
        }
        for job in late { job.refuse(Self.crowded) }
        for job in next {
            threads.submit { [weak self] status in
                guard status == .active else { return job.refuse(CancellationError()) }
                Self.lowerPriority()
                job.work()
                self?.finish(job.userID)
            }
        }
    }

    private func finish(_ userID: UserID) {
        state.withLock { state in _ = state.running.remove(userID) }
        startNext()
    }

    /// Of the calling thread: it gets a third of what others do when the processors are busy. Where it cannot be lowered, the number of threads alone is the bound.
    private static func lowerPriority() {
        #if canImport(Glibc)
            _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, 5)
        #endif
    }

    private static let crowded = ServerBusy(message: "The server is reading too many files at the moment.")
}
