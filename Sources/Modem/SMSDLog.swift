import Foundation

/// What the log of gammu-smsd says of an SMS. It is written line by line before and after each step, so that it knows what was
/// begun when gammu-smsd is killed (smsd/core.c, `SMSD_SendSMS` and `SMSD_Log`, in version 1.42.0).
struct SMSDLog: Sendable {
    private let lines: [Substring]

    /// A log as it stands.
    init(_ text: String) {
        lines = text.split(separator: "\n")
    }

    /// The last mebibyte of the log of a folder; nil when there is none.
    init?(of folder: ModemFolder) {
        guard let file = FileHandle(forReadingAtPath: folder.log) else { return nil }
        defer { try? file.close() }  // It was read only.
        do {
            let size = try file.seekToEnd()
            try file.seek(toOffset: size > Self.most ? size - Self.most : 0)
            self.init(String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self))
        } catch {
            return nil
        }
    }

    private static let most: UInt64 = 1 << 20

    /// What happened to one SMS.
    struct Trace: Hashable, Sendable {
        /// Whether gammu-smsd began to send it.
        var isBegun = false
        /// Whether the network took all of its parts.
        var isTransmitted = false
        /// The network's numbers of the parts that it took, by which delivery reports name them.
        var references: [Int] = []
        /// What the network answered when it did not take a part (3GPP TS 27.005, 3.2.5); nil when it is not known.
        var refusal: Int?
    }

    /// What happened to the SMS in the file of this name.
    func trace(of name: String) -> Trace {
        var trace = Trace()
        // The modem's answers have no name: they are of the SMS that was begun last.
        var isItsTurn = false
        for line in lines {
            if line.contains(": New message to send: ") { isItsTurn = line.hasSuffix("New message to send: \(name)") }
            trace.isBegun = trace.isBegun || isItsTurn
            if isItsTurn, line.contains("SMS sent on device: "), let status = line.range(of: "\" status=") {
                let code = Int(line[status.upperBound...].prefix { $0.isNumber }) ?? 0
                trace.refusal = code == 0 ? nil : code
            }
            guard let found = line.range(of: "Transmitted \(name) (") else { continue }
            trace.isBegun = true
            if line[found.upperBound...].hasPrefix("total: ") { trace.isTransmitted = true }
            if let reference = line.range(of: "message reference 0x", options: .backwards),
                let number = Int(line[reference.upperBound...].prefix(2), radix: 16)
            {
                trace.references.append(number)
            }
        }
        return trace
    }
}
