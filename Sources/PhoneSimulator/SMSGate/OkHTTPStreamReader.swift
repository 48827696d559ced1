/// Reads server-sent events as OkHttp does: an event without data is dropped, `id` and `retry` mean nothing to the app.
package struct OkHTTPStreamReader: Sendable {
    /// An event with data.
    package struct Event: Hashable, Sendable {
        /// nil when the server gave none.
        package let name: String?
        /// Lines with line feeds between them.
        package let data: String
    }

    private var line: [UInt8] = []
    private var name: String?
    private var data: String?
    private var endedWithCR = false

    package init() {}

    /// Takes the next part and gives the events that it completes; nil for a line that no server of ours writes.
    package mutating func read(_ part: some Sequence<UInt8>) -> [Event]? {
        var events: [Event] = []
        for byte in part {
            defer { endedWithCR = byte == UInt8(ascii: "\r") }
            if byte == UInt8(ascii: "\n"), endedWithCR { continue }
            guard byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") else {
                line.append(byte)
                guard line.count <= Self.longestLine else { return nil }
                continue
            }
            if let event = endLine() { events.append(event) }
            line.removeAll(keepingCapacity: true)
        }
        return events
    }

    private mutating func endLine() -> Event? {
        let text = String(decoding: line, as: UTF8.self)
        guard !text.isEmpty else {
            defer { (name, data) = (nil, nil) }
            return data.flatMap { $0.isEmpty ? nil : Event(name: name, data: $0) }
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        var value = parts.count > 1 ? parts[1] : ""
        if value.first == " " { value.removeFirst() }
        switch parts[0] {
        case "event": name = value.isEmpty ? nil : String(value)
        case "data": data = data.map { "\($0)\n\(value)" } ?? String(value)
        default: break
        }
        return nil
    }

    /// 1 MiB.
    private static let longestLine = 1 << 20
}
