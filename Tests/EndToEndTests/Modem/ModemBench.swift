import Foundation
import NIOHTTP1
import Synchronization
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Debian's gammu-smsd with its dummy modem, and the agent beside it, as processes.
final class ModemBench: Sendable {
    let bench: DeviceBench
    let folder: String
    private let configuration: String
    /// Whether the modem is the dummy of gammu, or `Judges/modem.py`.
    private let isDummy: Bool
    private let processes = Mutex<(agent: ChildProcess?, daemon: ChildProcess?, number: Int)>((nil, nil, 0))

    private init(_ bench: DeviceBench, isDummy: Bool) {
        (self.bench, self.isDummy) = (bench, isDummy)
        folder = bench.installation.folder + "/modem"
        configuration = bench.installation.folder + "/smsdrc"
    }

    /// Runs `body` beside a server, a paired agent and gammu-smsd.
    static func run(
        isDummy: Bool = true, _ body: @escaping @Sendable (ModemBench) async throws -> Void
    ) async throws {
        try await DeviceBench.run { bench in
            let modem = ModemBench(bench, isDummy: isDummy)
            defer { modem.endAll() }
            try await modem.pair()
            let device = isDummy ? nil : try await modem.startModem()
            defer { device?.killNow() }
            try await modem.startDaemon()
            try modem.startAgent()
            do {
                try await body(modem)
            } catch {
                throw TestFailure("\(error)\nagent: \(modem.agentLog)\ngammu-smsd: \(modem.log.suffix(3_000))")
            }
        }
    }

    private func pair() async throws {
        try FileManager.default.createDirectory(atPath: dummy, withIntermediateDirectories: true)
        let pairing = try await bench.pairing()
        let paired = try await bench.installation.run(
            "modem", "pair", "--folder", folder, "--url", (pairing["url"].text ?? "") + "/", "--code",
            pairing["code"].text ?? "")
        guard paired.end == .exited(0) else { throw TestFailure("modem pair: \(paired.errors)") }
        let printed = try await bench.installation.run(
            "modem", "config", "--folder", folder, "--device", isDummy ? dummy : terminal, "--connection",
            isDummy ? "none" : "at")
        try printed.output.write(toFile: configuration, atomically: true, encoding: .utf8)
    }

    /// Where `Judges/modem.py` is, and what it was given: a line for each SMS.
    private var terminal: String { bench.installation.folder + "/modem-tty" }
    private var record: String { bench.installation.folder + "/modem-record" }

    var given: [String] {
        // There is none before the first SMS.
        ((try? String(contentsOfFile: record, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
    }

    private func startModem() async throws -> ChildProcess {
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Judges/modem.py").path
        let modem = try ChildProcess(
            "/usr/bin/python3", [script, terminal, record], environment: [:],
            logs: bench.installation.folder + "/logs/modem")
        try await until("the modem is there") {
            if let end = modem.end { throw TestFailure("the modem ended with \(end): \(modem.errors)") }
            return FileManager.default.fileExists(atPath: terminal)
        }
        return modem
    }

    /// The folder of the dummy modem.
    var dummy: String { bench.installation.folder + "/dummy" }

    /// As the units do: `prepare` before each start.
    func startDaemon() async throws {
        let prepared = try await bench.installation.run("modem", "prepare", "--folder", folder)
        guard prepared.end == .exited(0) else { throw TestFailure("modem prepare: \(prepared.errors)") }
        let number = processes.withLock { state in
            state.number += 1
            return state.number
        }
        let daemon = try ChildProcess(
            "/usr/bin/gammu-smsd", ["-c", configuration], environment: ["PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"],
            logs: bench.installation.folder + "/logs/smsd-\(number)")
        processes.withLock { $0.daemon = daemon }
    }

    func startAgent() throws {
        let agent = try bench.installation.start(["modem", "run", "--folder", folder])
        processes.withLock { $0.agent = agent }
    }

    func killDaemon() { processes.withLock { $0.daemon }?.killNow() }

    func killAgent() { processes.withLock { $0.agent }?.killNow() }

    var agent: ChildProcess? { processes.withLock { $0.agent } }

    var agentLog: String { agent.map { $0.output + $0.errors } ?? "" }

    private func endAll() {
        killDaemon()
        killAgent()
    }

    /// What gammu-smsd did, over all of its lives.
    var log: String { (try? String(contentsOfFile: folder + "/smsd.log", encoding: .utf8)) ?? "" }

    /// How often the modem was told to send the message with this id.
    func transmissions(of id: String) -> Int {
        log.split(separator: "\n").count { $0.contains("Transmitted ") && $0.contains(id) && $0.contains("(total: ") }
    }

    /// Puts an SMS into the modem, as one that came in, at once.
    func arrive(_ file: String, at location: Int) throws {
        let inbox = dummy + "/sms/1"
        try FileManager.default.createDirectory(atPath: inbox, withIntermediateDirectories: true)
        let temporary = dummy + "/arriving"
        try file.write(toFile: temporary, atomically: false, encoding: .utf8)
        guard rename(temporary, "\(inbox)/\(location)") == 0 else { throw TestFailure("cannot write the SMS") }
    }

    /// A part of an SMS as gammu writes it.
    static func sms(
        _ text: String, from number: String, header: String? = nil, kind: String = "Deliver", reference: Int = 0
    ) -> String {
        func digits(_ text: String) -> String {
            text.utf16.map { unit in
                let digits = String(unit, radix: 16, uppercase: true)
                return String(repeating: "0", count: 4 - digits.count) + digits
            }.joined()
        }
        return """
            [SMSBackup000]
            PDU = \(kind)
            DateTime = 20261128T164534Z
            State = UnRead
            Number = "\(number)"
            NumberUnicode = \(digits(number))
            \(header.map { "UDH = \($0)\n" } ?? "")Text00 = \(digits(text))
            Coding = Unicode_No_Compression
            Folder = 1
            Length = \(text.utf16.count)
            Class = -1
            MessageReference = \(reference)


            """
    }
}
