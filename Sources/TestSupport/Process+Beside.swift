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

    /// Runs a program that prints the port it listens on, as its first line, while `body` does.
    ///
    /// - Parameters:
    ///   - program: Its name or path.
    ///   - arguments: What it is given.
    ///   - folder: Where what it prints is kept.
    ///   - body: The test, with the port.
    /// - Throws: What `body` throws; ``NeverHappened`` when no port is printed.
    package static func listening(
        _ program: String, _ arguments: [String], in folder: String, _ body: (Int) async throws -> Void
    ) async throws {
        let output = folder + "/port-\(UUID().uuidString)"
        try Data().write(to: URL(filePath: output))
        let process = beside(program, arguments)
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: output))
        process.standardError = FileHandle.nullDevice
        try process.run()
        defer { process.terminate() }
        let port = try await eventually("\(program) listens") {
            (try? String(contentsOfFile: output, encoding: .utf8)).flatMap { text in
                text.hasSuffix("\n") ? Int(text.dropLast()) : nil
            }
        }
        try await body(port)
    }
}
