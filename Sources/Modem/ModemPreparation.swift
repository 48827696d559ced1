import Foundation

/// What must be done before gammu-smsd starts: it sends whatever is in its outbox, also what it was sending when it was killed.
package enum ModemPreparation {
    /// Makes the folder, and sorts what is in the outbox by what the log says. Only while no gammu-smsd runs on the folder.
    ///
    /// | the log | the SMS |
    /// |---|---|
    /// | says nothing of it | stays: it is sent now |
    /// | says that the network took all parts | is sent |
    /// | says that it was begun | may have been sent: it is not sent again, and reported as failed |
    ///
    /// - Returns: A line for each SMS that was moved.
    /// - Throws: When the folder cannot be written; gammu-smsd must not start then.
    package static func run(_ folder: ModemFolder) throws -> [String] {
        try folder.make()
        var lines: [String] = []
        let waiting = folder.names(in: .outbox).filter { $0.hasPrefix(ModemMessage.prefix) }
        if let log = SMSDLog(of: folder) {
            for name in waiting {
                let trace = log.trace(of: name)
                guard trace.isBegun else { continue }
                let part = trace.isTransmitted ? ModemFolder.Part.sent : .unsure
                if try folder.move(name, from: .outbox, to: part) { lines.append("\(part.rawValue): \(name)") }
            }
        }
        try shorten(folder.log)
        return lines
    }

    /// Keeps the end of a log that has grown beyond 8 MiB.
    private static func shorten(_ path: String) throws {
        guard let file = FileHandle(forReadingAtPath: path) else { return }
        defer { try? file.close() }  // It was read only.
        let size = try file.seekToEnd()
        guard size > 8 << 20 else { return }
        try file.seek(toOffset: size - 1 << 20)
        try ModemFolder.write(Array(try file.readToEnd() ?? Data()), to: path)
    }

    /// Notes a missed call, for the agent to tell.
    ///
    /// - Parameters:
    ///   - number: The caller's; empty when it is withheld.
    ///   - folder: With all of its parts.
    /// - Throws: When the folder cannot be written.
    package static func missedCall(from number: String, _ folder: ModemFolder) throws {
        try folder.write(Array(number.prefix(64).utf8), as: UUID().uuidString.lowercased(), in: .calls)
    }
}
