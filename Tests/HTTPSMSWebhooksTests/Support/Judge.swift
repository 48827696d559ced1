import Foundation
import HTTPSMSWebhooks
import JSON

/// A receiver that knows nothing of our code: a Python script over a public library, in `Judges/`.
enum Judge: String {
    case pyjwt
    case standardWebhooks = "standard_webhooks"
    case cloudEvents = "cloud_events"

    /// What a judge says to one request.
    enum Answer<Accepted: Decodable & Sendable>: Sendable {
        case accepted(Accepted)
        case refused(String)
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Hands `action` and the members that `request` adds to the script, and reads its answer.
    ///
    /// - Throws: `Failure` when there is no interpreter, or when the script ends with a traceback.
    func ask<Accepted: Decodable & Sendable>(
        _ action: String, as _: Accepted.Type = String.self, _ request: (inout JSONObjectWriter) -> Void
    ) async throws -> Answer<Accepted> {
        guard let interpreter = ProcessInfo.processInfo.environment["HTTPSMS_PYTHON"], !interpreter.isEmpty else {
            throw Failure(
                description: """
                    HTTPSMS_PYTHON does not name a Python interpreter with the packages of Tests/requirements.txt. \
                    Run `make test-deps` once, then `make test`, which sets it.
                    """)
        }
        var json = JSONWriter()
        json.object { o in
            o.field("action", action)
            request(&o)
        }
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Judges/\(rawValue).py")
        let output = try await Self.run(interpreter, ["-B", script.path], input: Data(json.bytes))
        let answer = try JSONDecoder().decode(Reply<Accepted>.self, from: output)
        if let refused = answer.refused { return .refused(refused) }
        guard let accepted = answer.accepted else { throw Failure(description: "\(rawValue).py gave no answer") }
        return .accepted(accepted)
    }

    /// Like `ask`, for requests that the judge must accept.
    func mustAccept<Accepted: Decodable & Sendable>(
        _ action: String, as type: Accepted.Type = String.self, _ request: (inout JSONObjectWriter) -> Void
    ) async throws -> Accepted {
        switch try await ask(action, as: type, request) {
        case .accepted(let value): return value
        case .refused(let reason): throw Failure(description: "\(rawValue).py refused: \(reason)")
        }
    }

    private struct Reply<Accepted: Decodable>: Decodable {
        let accepted: Accepted?
        let refused: String?
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
        let (toProcess, fromProcess, errors) = (Pipe(), Pipe(), Pipe())
        (process.standardInput, process.standardOutput, process.standardError) = (toProcess, fromProcess, errors)
        do {
            try process.run()
        } catch {
            throw Failure(description: "HTTPSMS_PYTHON=\(command) cannot be run (\(error)); `make test-deps` makes one")
        }
        // Requests and answers are below the 64 KiB that a pipe holds, so neither side waits for the other.
        try toProcess.fileHandleForWriting.write(contentsOf: input)
        try toProcess.fileHandleForWriting.close()
        let output = try fromProcess.fileHandleForReading.readToEnd() ?? Data()
        let trouble = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(
                description: "\(arguments) failed; does HTTPSMS_PYTHON have the packages of Tests/requirements.txt "
                    + "(`make test-deps`)? \(String(decoding: trouble, as: UTF8.self))")
        }
        return output
    }
}

extension Judge.Answer: Equatable where Accepted: Equatable {}
