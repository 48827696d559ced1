import Logging
import Synchronization

/// Keeps what is logged instead of writing it.
package final class LogRecorder: Sendable {
    /// One event of the log.
    package struct Line: Sendable, CustomStringConvertible {
        /// Its level.
        package let level: Logger.Level
        /// Its constant text.
        package let message: String
        /// Its data, as text.
        package let metadata: [String: String]

        package var description: String { "\(level) \(message) \(metadata)" }
    }

    private let recorded = Mutex<[Line]>([])

    package init() {}

    /// What was logged so far.
    package var lines: [Line] { recorded.withLock { $0 } }

    /// A logger that writes here, from `debug` on.
    package var logger: Logger { Logger(label: "test") { _ in Handler(recorder: self) } }

    /// Keeps metadata, unlike swift-log's handler that does nothing: Hummingbird has a request's id there.
    private struct Handler: LogHandler {
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.debug
        let recorder: LogRecorder

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            let line = Line(level: event.level, message: "\(event.message)", metadata: all.mapValues { "\($0)" })
            recorder.recorded.withLock { $0.append(line) }
        }
    }
}
