import AsyncHTTPClient
import Foundation
import NIOCore

/// The sink process, as the benchmark sees it; see ``SinkServer``.
struct Sink: Sendable {
    let process: ChildProcess
    private let port: Int

    /// Starts a sink whose output goes into `folder`.
    init(in folder: URL) async throws {
        process = try ChildProcess(["bench-sink"], output: folder.appendingPathComponent("sink.out"))
        guard let port = Int(try await process.firstLine()) else { throw BenchFailure("the sink printed no port") }
        self.port = port
    }

    /// A callback URL that answers 200.
    func url(_ endpoint: Int) -> String { "http://127.0.0.1:\(port)/ok/\(endpoint)" }

    /// A callback URL that never answers.
    func hangingURL(_ endpoint: Int) -> String { "http://127.0.0.1:\(port)/hang/\(endpoint)" }

    /// How many requests were recorded.
    ///
    /// - Throws: ``BenchFailure`` when something came that no benchmark sent.
    func count() async throws -> Int {
        let numbers = String(buffer: try await get("/count")).split(separator: " ").compactMap { Int($0) }
        guard numbers.count == 2, numbers[1] == 0 else { throw BenchFailure("the sink received foreign requests") }
        return numbers[0]
    }

    /// All requests since the last reset, in the order in which they came.
    func records() async throws -> [SinkRecord] {
        var bytes = try await get("/records")
        var records: [SinkRecord] = []
        records.reserveCapacity(bytes.readableBytes / SinkRecord.size)
        while let record = SinkRecord.read(from: &bytes) { records.append(record) }
        return records
    }

    func reset() async throws {
        _ = try await get("/reset")
    }

    /// Waits until `expected` requests were recorded, or none came for `patience`.
    func wait(for expected: Int, patience: Duration = .seconds(20)) async throws {
        var last = -1
        var lastChange = ContinuousClock.now
        while lastChange.duration(to: .now) < patience {
            let count = try await count()
            if count >= expected { return }
            if count != last {
                last = count
                lastChange = .now
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private func get(_ path: String) async throws -> ByteBuffer {
        let response = try await HTTPClient.shared.execute(
            HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)"), timeout: .seconds(60))
        return try await response.body.collect(upTo: 1 << 30)
    }
}
