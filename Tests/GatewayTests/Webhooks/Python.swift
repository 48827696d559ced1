import Foundation
import TestSupport

/// A public Python library that judges what the server says; the scripts stand with the tests of the library for
/// receivers.
enum Python {
    /// What a script says to one request.
    enum Answer: Equatable {
        case accepted(JSON)
        case refused(String)
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Hands `action` and `request` to `script`, such as `standard_webhooks`.
    static func ask(_ script: String, _ action: String, _ request: [String: JSON]) async throws -> Answer {
        guard let interpreter = ProcessInfo.processInfo.environment["HTTPSMS_PYTHON"], !interpreter.isEmpty else {
            throw Failure(description: "HTTPSMS_PYTHON names no Python; `make test` sets it")
        }
        let judges = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../HTTPSMSWebhooksTests/Judges").standardized
        let input = try JSONEncoder().encode(JSON.object(["action": .string(action)]).with(request))
        let output = try await run(interpreter, ["-B", judges.appending(path: "\(script).py").path], input: input)
        let answer = try JSONDecoder().decode(JSON.self, from: output)
        return answer["refused"] == .absent ? .accepted(answer["accepted"]) : .refused(answer["refused"].string)
    }

    /// Runs a command to its end on a thread that may block.
    private static func run(_ command: String, _ arguments: [String], input: Data) async throws -> Data {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try runBlocking(command, arguments, input: input) })
            }
        }
    }

    private static func runBlocking(_ command: String, _ arguments: [String], input: Data) throws -> Data {
        let process = Process()
        process.executableURL = URL(filePath: command)
        process.arguments = arguments
        let (toProcess, fromProcess) = (Pipe(), Pipe())
        (process.standardInput, process.standardOutput) = (toProcess, fromProcess)
        try process.run()
        // Requests and answers are below the 64 KiB that a pipe holds, so neither side waits for the other.
        try toProcess.fileHandleForWriting.write(contentsOf: input)
        try toProcess.fileHandleForWriting.close()
        let output = try fromProcess.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(description: "\(arguments) failed") }
        return output
    }
}
