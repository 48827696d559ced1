/// Reads server-sent events (WHATWG HTML 9.2) from the parts in which they arrive, as far as our servers use them.
struct EventStreamParser {
    /// What the stream says.
    enum Found: Equatable {
        /// The comment with which our servers open a stream: the position that it begins after.
        case opened(Int64)
        /// The data of one event.
        case event([UInt8])
    }

    private var line: [UInt8] = []
    private var data: [UInt8] = []

    /// Takes the next part and gives what it completes.
    ///
    /// - Throws: ``ClientFailure`` for a line longer than any event.
    mutating func parse(_ part: some Sequence<UInt8>) throws(ClientFailure) -> [Found] {
        var found: [Found] = []
        for byte in part {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                guard line.count <= Self.longestLine else {
                    throw ClientFailure(.serverFailed, "the event stream holds a line of more than 1 MiB")
                }
                continue
            }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if let complete = end() { found.append(complete) }
            line.removeAll(keepingCapacity: true)
        }
        return found
    }

    private mutating func end() -> Found? {
        if line.isEmpty {
            defer { data = [] }
            return data.isEmpty ? nil : .event(data)
        }
        if line.starts(with: "data:".utf8) {
            if !data.isEmpty { data.append(UInt8(ascii: "\n")) }
            data += line.dropFirst(5).drop { $0 == UInt8(ascii: " ") }
        }
        let opening = ": open at "
        if line.starts(with: opening.utf8) {
            return Int64(String(decoding: line.dropFirst(opening.utf8.count), as: UTF8.self)).map { .opened($0) }
        }
        return nil
    }

    /// 1 MiB: the largest event has a text of 64 KiB.
    private static let longestLine = 1 << 20
}
