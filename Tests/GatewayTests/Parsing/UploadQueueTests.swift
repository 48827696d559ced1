import Delivery
import Dispatch
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Gateway

/// Whose file is read when.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct UploadQueueTests {
    /// A file whose reading goes on until it is told to end.
    private final class Gate: Sendable {
        private let isOpen = DispatchSemaphore(value: 0)
        private let begun = Mutex(false)

        func pass() {
            begun.withLock { $0 = true }
            isOpen.wait()
        }

        func open() { isOpen.signal() }

        func untilBegun() async throws {
            try await until("the file is being read") { begun.withLock { $0 } }
        }
    }

    private final class Count: Sendable {
        private let count = Mutex(0)

        var value: Int { count.withLock { $0 } }

        func add() { count.withLock { $0 += 1 } }
    }

    private final class Turns: Sendable {
        private let taken = Mutex<[UserID]>([])

        var all: [UserID] { taken.withLock { $0 } }

        func take(_ id: UserID) { taken.withLock { $0.append(id) } }
    }

    private static func client(_ name: String) -> UploadQueue.Client {
        UploadQueue.Client(userID: UserID(name), channel: nil)
    }

    private static let (first, second, third) = (
        "00000000-0000-7000-8000-000000000001", "00000000-0000-7000-8000-000000000002",
        "00000000-0000-7000-8000-000000000003"
    )

    @Test func oneFileOfAnAccountIsReadAtATime() async throws {
        let queue = UploadQueue(threads: 2)
        let gate = Gate()
        let finished = Count()
        let (busy, other) = (Self.client(Self.first), Self.client(Self.second))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await queue.run(for: busy) { _ in
                    gate.pass()
                    finished.add()
                }
            }
            try await gate.untilBegun()
            // The account's second file finds the first one read to its end.
            group.addTask { try await queue.run(for: busy) { _ in #expect(finished.value == 1) } }

            // Another account's is read meanwhile.
            #expect(try await queue.run(for: other) { _ in finished.value } == 0)
            gate.open()
            try await group.waitForAll()
        }
    }

    @Test func accountsTakeTurns() async throws {
        let queue = UploadQueue(threads: 1)
        let gate = Gate()
        let turns = Turns()
        let (first, second) = (Self.client(Self.first), Self.client(Self.second))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await queue.run(for: Self.client(Self.third)) { _ in gate.pass() } }
            try await gate.untilBegun()
            for client in [first, first, first, second] {
                let waiting = queue.waitingCount
                group.addTask { try await queue.run(for: client) { _ in turns.take(client.userID) } }
                try await until("it waits") { queue.waitingCount > waiting }
            }
            gate.open()
            try await group.waitForAll()
        }

        #expect(turns.all == [first, second, first, first].map(\.userID))
    }

    @Test func aLargeBodyIsReadInTurn() async throws {
        let queue = UploadQueue(threads: 1)
        let gate = Gate()
        let channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        @Sendable func read(_ count: Int) async throws {
            var request = APIContext(source: .init(channel: channel, logger: Logger(label: "test")))
            request.identity = .user(UserID(Self.first))
            request.uploads = queue
            try await UserContext(context: request).reading(ByteBuffer(repeating: 1, count: count)) {}
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await queue.run(for: Self.client(Self.first)) { _ in gate.pass() } }
            try await gate.untilBegun()

            group.addTask { try await read(100_000) }
            try await until("the large one waits") { queue.waitingCount == 1 }
            // A small one does not.
            try await read(1_000)
            gate.open()
            try await group.waitForAll()
        }
        try await channel.close()
    }

    @Test func tooManyOfAnAccountAreRefused() async throws {
        let queue = UploadQueue(threads: 2)
        let gate = Gate()
        let busy = Self.client(Self.first)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await queue.run(for: busy) { _ in gate.pass() } }
            try await gate.untilBegun()
            let refused = Count()
            for _ in 0..<(UploadQueue.waitingPerAccount + 3) {
                group.addTask {
                    do {
                        try await queue.run(for: busy) { _ in }
                    } catch is ServerBusy {
                        refused.add()
                    }
                }
            }
            try await until("three are refused") { refused.value == 3 }
            gate.open()
            try await group.waitForAll()
            #expect(refused.value == 3)
        }
    }

    @Test func whoWaitsForTooLongIsRefused() async throws {
        let queue = UploadQueue(threads: 2, patience: .zero)
        let gate = Gate()
        let busy = Self.client(Self.first)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await queue.run(for: busy) { _ in gate.pass() } }
            group.addTask {
                await #expect(throws: ServerBusy.self) {
                    for _ in 0..<100 { try await queue.run(for: busy) { _ in } }
                }
                gate.open()
            }
            try await group.waitForAll()
        }
    }

    @Test func whatNobodyWaitsForStops() async throws {
        let queue = UploadQueue(threads: 2)
        let client = Self.client(Self.first)
        let hasBegun = Count()
        let reading = Task {
            try await queue.run(for: client) { cancellation in
                hasBegun.add()
                while true { try cancellation.check() }
            }
        }
        try await until("the file is being read") { hasBegun.value > 0 }
        let waiting = Task { try await queue.run(for: client) { _ in } }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        reading.cancel()
        await #expect(throws: CancellationError.self) { try await reading.value }
        try await queue.run(for: client) { _ in }
    }

    @Test func aClientThatGoesAwayIsNoticed() async throws {
        let queue = UploadQueue(threads: 2)
        let userID = Self.client(Self.first).userID
        let accepted = AsyncStream.makeStream(of: (any Channel).self)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                accepted.continuation.yield(channel)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = try #require(server.localAddress)
        let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(to: address).get()
        var channels = accepted.stream.makeAsyncIterator()
        let channel = try #require(await channels.next())
        try await until("the connection is open") { channel.isActive }
        let hasBegun = Count()

        let reading = Task {
            try await queue.run(for: UploadQueue.Client(userID: userID, channel: channel)) { cancellation in
                hasBegun.add()
                while true { try cancellation.check() }
            }
        }
        try await until("the file is being read") { hasBegun.value > 0 }
        try await client.close()

        await #expect(throws: CancellationError.self) { try await reading.value }
        try await channel.close()
        try await server.close()
    }
}
