import Gateway
import HTTPSMSWebhooks
import JSON
import Logging
import Synchronization
import Timestamps

/// One event of the server's log, as text or as a JSON object.
struct LogLine: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    private let label: String
    private let format: LogFormat
    private let queue: LogQueue

    /// Makes every `Logger` made from now on write such lines to standard error; only the first call counts.
    static func bootstrap(_ configuration: GatewayConfiguration) {
        let isFirst = isBootstrapped.withLock { done in
            defer { done = true }
            return !done
        }
        guard isFirst else { return }
        let queue = LogQueue.standardError
        queue.use(configuration.logFormat)
        LoggingSystem.bootstrap { label in
            LogLine(logLevel: configuration.logLevel, label: label, format: configuration.logFormat, queue: queue)
        }
    }

    private static let isBootstrapped = Mutex(false)

    init(logLevel: Logger.Level, label: String, format: LogFormat, queue: LogQueue) {
        self.logLevel = logLevel
        self.label = label
        self.format = format
        self.queue = queue
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata.merging(event.metadata ?? [:]) { $1 }
        if let error = event.error { all["error"] = "\(error)" }
        queue.add(Self.bytes(event.level, "\(event.message)", all, as: format))
        // Who logs such a line may end the process at once.
        if event.level == .critical { queue.flush() }
    }

    /// What stands in the place of `count` lines that nobody read.
    static func dropped(_ count: Int, as format: LogFormat) -> [UInt8] {
        bytes(.warning, "lines were dropped: nobody reads the log", ["count": "\(count)"], as: format)
    }

    private static func bytes(
        _ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata, as format: LogFormat
    ) -> [UInt8] {
        let sorted = metadata.sorted { $0.key < $1.key }
        let now = SystemClock().now()
        switch format {
        case .text:
            let pairs = sorted.map { " \($0.key)=\(quoted("\($0.value)"))" }.joined()
            return Array("\(now) \(level) \(message)\(pairs)\n".utf8)
        case .json:
            var json = JSONWriter()
            json.object { o in
                o.field("time", now)
                o.field("level", level.rawValue)
                o.field("message", message)
                for (key, value) in sorted { o.field(named: key, "\(value)") }
            }
            return json.bytes + [UInt8(ascii: "\n")]
        }
    }

    /// A line stays a line whatever a value holds.
    private static func quoted(_ text: String) -> String {
        // By scalars: a quotation mark with a combining accent behind it is one character to Swift.
        guard text.unicodeScalars.contains(where: { $0.properties.isWhitespace || $0 == "\"" }) else { return text }
        var line = String.UnicodeScalarView("\"".unicodeScalars)
        for part in text.split(whereSeparator: \.isNewline).joined(separator: " ").unicodeScalars {
            line.append(part == "\"" ? "'" : part)
        }
        return String(line) + "\""
    }
}
