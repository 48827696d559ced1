import CLibPQ
import Timestamps

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Waiting for the server, with an end.
extension PostgresConnection {
    /// One wait for an answer.
    struct Wait {
        let deadline: ContinuousClock.Instant?
        /// Whether the deadline has passed. What lies in the socket then is taken once: it came while this process stood still.
        var isOver = false
    }

    /// How often it is looked whether the store has ended meanwhile.
    private static let slice = Duration.milliseconds(250)

    /// A wait that begins now.
    func beginWait() -> Wait {
        let answer = patience.answer.map { ContinuousClock.now + $0 }
        return Wait(deadline: [answer, patience.end].compactMap(\.self).min())
    }

    /// Has `send` hand a request to libpq, and waits for its last result, or its first that is an error.
    func answer(_ sql: String, _ send: () -> Int32) throws(PostgresFailure) -> PostgresResult {
        guard isAlive else { throw lost(sql) }
        var wait = beginWait()
        guard send() == 1 else {
            // It takes no more: what it was asked before is not answered.
            isBroken = PQpipelineStatus(handle) != PQ_PIPELINE_OFF || PQtransactionStatus(handle) == PQTRANS_ACTIVE
            throw lost(sql)
        }
        try flush(&wait)
        guard let first = try nextResult(&wait) else { throw lost(sql) }
        var last = PostgresResult(first)
        while let next = try nextResult(&wait) {
            let result = PostgresResult(next)
            if last.isSuccess { last = result }
        }
        return try checked(last, sql)
    }

    /// Sends what libpq holds, reading meanwhile, as the server may wait for that.
    func flush(_ wait: inout Wait) throws(PostgresFailure) {
        while true {
            switch PQflush(handle) {
            case 0: return
            case 1:
                if try ready(for: POLLIN | POLLOUT, &wait) & POLLIN != 0 { try readMore() }
            default: throw lost("")
            }
        }
    }

    /// The next result; nil at the end of an answer.
    func nextResult(_ wait: inout Wait) throws(PostgresFailure) -> OpaquePointer? {
        while PQisBusy(handle) == 1 {
            _ = try ready(for: POLLIN, &wait)
            guard try readMore() else { break }
        }
        return PQgetResult(handle)
    }

    /// Reads what has come; false when the connection is gone. What it said before is a result then.
    @discardableResult
    private func readMore() throws(PostgresFailure) -> Bool {
        if PQconsumeInput(handle) == 1 { return true }
        // With a socket libpq would wait for more of it, without an end.
        guard PQsocket(handle) < 0 else {
            isGivenUp = true
            throw lost("")
        }
        return false
    }

    /// Waits until the socket is ready for one of `events`, and gives those for which it is.
    private func ready(for events: Int32, _ wait: inout Wait) throws(PostgresFailure) -> Int32 {
        while true {
            let left = servers.end(before: wait.deadline).map { ContinuousClock.now.duration(to: $0) } ?? Self.slice
            if left <= .zero {
                guard !wait.isOver else { throw giveUp() }
                wait.isOver = true
            }
            var socket = pollfd(fd: PQsocket(handle), events: Int16(truncatingIfNeeded: events), revents: 0)
            let limit = min(max(left, .zero), Self.slice).milliseconds.clampedAdding(left > .zero ? 1 : 0)
            if poll(&socket, 1, Int32(clamping: limit)) > 0 { return Int32(truncatingIfNeeded: socket.revents) }
        }
    }

    private func giveUp() -> PostgresFailure {
        isGivenUp = true
        return PostgresFailure(
            sqlState: "", message: "the server has not answered in time", constraint: nil, sql: "", isLost: true)
    }

    /// Notes warnings. Notices go nowhere: what else matters comes as an error.
    func hearWarnings() {
        PQsetNoticeReceiver(
            handle,
            { connection, notice in
                guard let connection, let notice,
                    let severity = PQresultErrorField(notice, Int32(truncatingIfNeeded: UInt8(ascii: "V"))),
                    String(cString: severity) == "WARNING"
                else { return }
                let text = PQresultErrorField(notice, Int32(truncatingIfNeeded: UInt8(ascii: "M"))).map {
                    String(cString: $0)
                }
                Unmanaged<PostgresConnection>.fromOpaque(connection).takeUnretainedValue().warning = text ?? "a warning"
            }, Unmanaged.passUnretained(self).toOpaque())
    }
}
