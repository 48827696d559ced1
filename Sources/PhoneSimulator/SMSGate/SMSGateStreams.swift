import Timestamps

/// The app's `SSEManager`, flaw included: it has one field for "the stream", whatever streams it has opened.
///
/// When any stream ends, the one in the field is cancelled, which ends that one as well: with two streams open, a server that closes
/// one makes the app close the other and open both again (SSEManager.kt:66-80,99-118).
struct SMSGateStreams: Sendable {
    /// Read once, when the manager is made; a registration that follows does not change it.
    let token: String
    /// "The stream": the one that was opened last, unless that was forgotten.
    private var field: Int?
    /// All that did not end.
    private(set) var live: Set<Int> = []
    private var attempts = 0
    /// When the next streams are opened.
    private(set) var reconnects: [Timestamp] = []
    /// The highest number that a stream had.
    private(set) var highest: Int

    /// - Parameters:
    ///   - token: The device's.
    ///   - last: The highest number that a stream had before.
    init(token: String, after last: Int) {
        self.token = token
        highest = last
    }

    /// Opens one more and gives its number.
    mutating func connect() -> Int {
        highest += 1
        field = highest
        live.insert(highest)
        return highest
    }

    /// The server accepted one.
    mutating func opened() {
        attempts = 0
    }

    /// One ended, by whoever's doing.
    ///
    /// - Returns: The one that has to be cancelled: that in the field, if it lives.
    mutating func ended(_ number: Int, at now: Timestamp) -> Int? {
        guard live.remove(number) != nil else { return nil }
        attempts += 1
        reconnects.append(now + SMSGateRetry.stream(attempts: attempts))
        defer { field = nil }
        return field.flatMap { live.contains($0) ? $0 : nil }
    }

    /// Takes those out that are to be opened now, and says how many.
    mutating func due(at now: Timestamp) -> Int {
        let count = reconnects.count { $0 <= now }
        reconnects.removeAll { $0 <= now }
        return count
    }
}
