import Foundation

extension Process {
    /// A program that runs beside a test until it is terminated. Threads of this process block signals, and what they start does so
    /// too: SIGTERM is let through again, for else the program outlives the test.
    package static func beside(_ program: String, _ arguments: [String]) -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["--default-signal=TERM", program] + arguments
        return process
    }
}
