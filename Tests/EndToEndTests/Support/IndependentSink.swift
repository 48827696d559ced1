import Foundation
import TestSupport

/// `Judges/sink.py`: it stands for Firebase and for a webhook's receiver, and was not written with our code.
struct IndependentSink: Sendable {
    /// What came in.
    struct Arrival: Sendable, Decodable {
        /// Seconds since 1970, by the sink's clock.
        let time: Double
        let path: String
        let headers: [String: String]
        let body: JSONValue
    }

    private let record: String
    /// Where it listens.
    let baseURL: String

    /// The path that pushes come to.
    static let pushes = "/v1/projects/httpsms-test/messages:send"

    /// Everything that came to `path` so far, in order.
    func arrivals(at path: String) throws -> [Arrival] {
        guard let data = FileManager.default.contents(atPath: record) else { return [] }
        // The last line may be half written.
        let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
        return try lines.map { try JSONDecoder().decode(Arrival.self, from: Data($0)) }.filter { $0.path == path }
    }

    /// Waits until `count` requests came to `path`.
    func arrivals(_ count: Int, at path: String, within limit: Duration = longestWait) async throws -> [Arrival] {
        try await eventually("\(count) requests to \(path)", within: limit) {
            let found = try arrivals(at: path)
            return found.count >= count ? found : nil
        }
    }

    /// Runs `body` beside a sink whose record is in `folder`.
    static func run(in folder: String, _ body: (IndependentSink) async throws -> Void) async throws {
        let record = folder + "/sink.jsonl"
        let process = try Self.python("EndToEndTests/Judges/sink.py", [record], logs: folder + "/sink")
        defer { process.killNow() }
        let port = try await eventually("the sink listens") {
            process.output.hasSuffix("\n") ? process.output.dropLast() : nil
        }
        try await body(IndependentSink(record: record, baseURL: "http://127.0.0.1:\(port)"))
    }

    /// Starts a script of the tests with the Python that has their packages.
    static func python(
        _ script: String, _ arguments: [String], logs: String, environment: [String: String] = [:],
        input: String = "/dev/null"
    ) throws -> ChildProcess {
        guard let interpreter = ProcessInfo.processInfo.environment["HTTPSMS_PYTHON"], !interpreter.isEmpty else {
            throw TestFailure("HTTPSMS_PYTHON names no Python; `make test` sets it")
        }
        let tests = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
        return try ChildProcess(
            interpreter, ["-B", tests.appending(path: script).path] + arguments,
            environment: ["PATH": "/usr/bin:/bin", "PYTHONUNBUFFERED": "1"].merging(environment) { $1 }, logs: logs,
            input: input)
    }
}
