import Hummingbird
import JSON
import NIOCore
import Storage
import Synchronization

/// Where the answer to one request finds room, before it is written.
struct AnswerRoom: Sendable {
    /// What is taken for the answer already.
    private final class Taken: Sendable {
        let share = Mutex<AnswerMemory.Share?>(nil)
    }

    /// That of the connection.
    let loop: any EventLoop
    private let memory: AnswerMemory
    private let client: String
    private let turns: UploadQueue
    private let taken = Taken()

    /// - Parameters:
    ///   - memory: What all answers share.
    ///   - client: Who counts as one client.
    ///   - turns: Where accounts take turns with what is long to write.
    ///   - loop: That of the connection.
    init(_ memory: AnswerMemory, for client: String, turns: UploadQueue, loop: any EventLoop) {
        (self.memory, self.client, self.turns, self.loop) = (memory, client, turns, loop)
    }

    /// Takes `size` bytes, for what a stream is about to read; nil when there is no room just now.
    func share(ofStream size: Int) -> AnswerMemory.Share? {
        // There is no room: the stream asks again.
        try? memory.share(size, for: client)
    }

    /// What an answer of `size` bytes takes: what was taken before it was written, and what it has more, which is here by now.
    ///
    /// - Throws: ``ServerBusy`` when nothing was taken, and there is no room.
    func shares(_ size: Int) throws(ServerBusy) -> [AnswerMemory.Share] {
        guard let share = taken.share.withLock({ $0 }) else { return [try memory.share(size, for: client)] }
        return share.size < size ? [share, memory.count(size - share.size, for: client)] : [share]
    }

    /// Writes an answer of up to `size` bytes in the turn of `userID`, once there is room for it.
    ///
    /// - Throws: ``ServerBusy`` when there is none, or too many of the account wait: nothing is written then.
    func answer(_ reply: Reply, of size: Int, userID: UserID) async throws -> Answer {
        let share = try memory.share(size, for: client)
        taken.share.withLock { $0 = share }
        do {
            // To the end, also when the client seems to go: who only reads may close their own half of the connection.
            return try await turns.run(for: UploadQueue.Client(userID: userID, channel: nil)) { _ in reply.answer }
        } catch is ServerBusy {
            throw AnswerMemory.crowded
        }
    }
}

extension UserContext {
    /// The answer `reply`, whose rows have `texts` that may be long. Where these are, room for them is taken before they are written
    /// as JSON, and they are written in the account's turn: so what is refused costs little, and no account keeps the others waiting.
    ///
    /// - Throws: ``ServerBusy``.
    func answer(_ reply: Reply, texts: [String]) async throws -> Response {
        try await answer(reply, of: texts.reduce(0) { $0 + $1.longestJSON })
    }

    /// The answer `reply`, what is long in which has up to `size` bytes as JSON; see ``answer(_:texts:)``.
    ///
    /// - Throws: ``ServerBusy``.
    func answer(_ reply: Reply, of size: Int) async throws -> Response {
        guard size > AnswerMemory.large, let room else { return reply.answer.response }
        return try await room.answer(reply, of: size, userID: userID).response
    }
}
