import Foundation
import Gateway
import HTTPSMSWebhooks
import JSON
import Logging
import Synchronization
import Timestamps

/// One event of the server's log on standard error, as text or as a JSON object.
struct LogLine: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    private let label: String
    private let format: LogFormat

    /// Makes every `Logger` made from now on write such lines; only the first call counts.
    static func bootstrap(_ configuration: GatewayConfiguration) {
        let isFirst = isBootstrapped.withLock { done in
            defer { done = true }
            return !done
        }
        guard isFirst else { return }
        LoggingSystem.bootstrap { label in
            LogLine(logLevel: configuration.logLevel, label: label, format: configuration.logFormat)
        }
    }

    private static let isBootstrapped = Mutex(false)

    private init(logLevel: Logger.Level, label: String, format: LogFormat) {
        self.logLevel = logLevel
        self.label = label
        self.format = format
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata.merging(event.metadata ?? [:]) { $1 }
        if let error = event.error { all["error"] = "\(error)" }
        let sorted = all.sorted { $0.key < $1.key }
        let now = SystemClock().now()
        switch format {
        case .text:
            let pairs = sorted.map { " \($0.key)=\(quoted("\($0.value)"))" }.joined()
            write(Array("\(now) \(event.level) \(event.message)\(pairs)\n".utf8))
        case .json:
            var json = JSONWriter()
            json.object { o in
                o.field("time", now)
                o.field("level", event.level.rawValue)
                o.field("message", "\(event.message)")
                for (key, value) in sorted { o.field(named: key, "\(value)") }
            }
            write(json.bytes + [UInt8(ascii: "\n")])
        }
    }

    /// A line stays a line whatever a value holds.
    private func quoted(_ text: String) -> String {
        // By scalars: a quotation mark with a combining accent behind it is one character to Swift.
        guard text.unicodeScalars.contains(where: { $0.properties.isWhitespace || $0 == "\"" }) else { return text }
        var line = String.UnicodeScalarView("\"".unicodeScalars)
        for part in text.split(whereSeparator: \.isNewline).joined(separator: " ").unicodeScalars {
            line.append(part == "\"" ? "'" : part)
        }
        return String(line) + "\""
    }

    private func write(_ bytes: [UInt8]) {
        // There is nowhere left to report that the log cannot be written.
        try? FileHandle.standardError.write(contentsOf: bytes)
    }
}
