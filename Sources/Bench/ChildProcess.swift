import Foundation

/// A process of the benchmark: this same executable with other arguments. Its output goes to a file.
final class ChildProcess: Sendable {
    private let process: Process
    private let output: URL

    /// Starts `httpsms <arguments>` with nothing but `environment`; what it prints is appended to `output`.
    init(_ arguments: [String], environment: [String: String] = [:], output: URL) throws {
        if !FileManager.default.fileExists(atPath: output.path) { try Data().write(to: output) }
        let file = try FileHandle(forWritingTo: output)
        try file.seekToEnd()
        process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = file
        process.standardError = file
        self.output = output
        try process.run()
    }

    var isRunning: Bool { process.isRunning }

    /// The first whole line of its output.
    ///
    /// - Throws: ``BenchFailure`` when it ends, or 30 s pass, without one.
    func firstLine() async throws -> String {
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            let text = String(decoding: try Data(contentsOf: output), as: UTF8.self)
            if let end = text.firstIndex(of: "\n") { return String(text[..<end]) }
            guard isRunning else { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw BenchFailure("\(process.arguments?.first ?? "") printed nothing, see \(output.path)")
    }

    /// Waits for its end and gives all that it printed.
    ///
    /// - Throws: ``BenchFailure`` when it does not end well.
    func finish() async throws -> String {
        while isRunning { try await Task.sleep(for: .milliseconds(20)) }
        let text = String(decoding: try Data(contentsOf: output), as: UTF8.self)
        guard process.terminationStatus == 0 else {
            throw BenchFailure("\(process.arguments?.first ?? "") failed: \(text.suffix(400))")
        }
        return text
    }

    /// Sends SIGTERM, or SIGKILL, and waits for the end; SIGKILL follows after 15 s. Also runs to its end in a cancelled
    /// task, so that no process stays behind.
    func stop(kill isKill: Bool = false) async {
        var isKill = isKill
        let deadline = ContinuousClock.now + .seconds(15)
        if !isKill { kill(process.processIdentifier, SIGTERM) }
        while isRunning {
            if ContinuousClock.now > deadline { isKill = true }
            if isKill { kill(process.processIdentifier, SIGKILL) }
            // Not a task's sleep, which a cancelled task does not get.
            await withCheckedContinuation { continuation in
                DispatchQueue.global().asyncAfter(deadline: .now() + 0.02) { continuation.resume() }
            }
        }
    }

    /// What it used so far; nil when it has ended.
    var usage: ProcessUsage? { ProcessUsage(of: process.processIdentifier) }
}

/// What a process used, by /proc.
struct ProcessUsage: Sendable {
    /// User and system time.
    var cpuSeconds: Double
    /// The most memory it had resident (VmHWM), in bytes.
    var peakMemory: Int

    /// Reads the usage of a process; nil when there is none, or no /proc.
    init?(of pid: Int32) {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),  // It may have ended.
            let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        else { return nil }
        // The name, in parentheses, may hold anything; utime and stime are the 12th and 13th field after it.
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
        guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else { return nil }
        cpuSeconds = (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        peakMemory = (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) * 1_024
    }
}

extension ProcessUsage {
    /// What the parent of process `child`, and all that it started, used so far, those included that have ended; nil when
    /// there is no such process on this machine.
    static func cpuSeconds(ofFamilyOf child: Int32) -> Double? {
        guard let parent = fields(of: child).flatMap({ Int32($0[1]) }), parent > 1 else { return nil }
        // Without /proc nothing can be told.
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        let family = processes.compactMap { Int32($0) }.compactMap { pid -> [Substring]? in
            guard let fields = fields(of: pid), pid == parent || Int32(fields[1]) == parent else { return nil }
            return fields
        }
        // utime, stime, and the same of children that were waited for.
        let ticks = family.reduce(0.0) { sum, fields in sum + fields[11...14].reduce(0) { $0 + (Double($1) ?? 0) } }
        return ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// The fields of `/proc/PID/stat` behind the name: the state, the parent's id, and so on.
    private static func fields(of pid: Int32) -> [Substring]? {
        // It may have ended.
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let end = stat.lastIndex(of: ")")
        else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        return fields.count > 15 ? fields : nil
    }
}

/// Why a benchmark did not come to its end, in words.
package struct BenchFailure: Error, CustomStringConvertible {
    /// One line, for whoever runs the benchmark.
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
