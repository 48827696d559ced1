import Foundation
import Testing

/// `Judges/mail_server.py`, which runs beside a test.
package struct MailReceiver: Sendable {
    /// Where it listens, on 127.0.0.1.
    package let port: Int
    private let record: String

    /// What it took, in order.
    package func mails() throws -> [JSON] {
        let text = FileManager.default.contents(atPath: record) ?? Data()
        return try text.split(separator: UInt8(ascii: "\n")).map { try JSONDecoder().decode(JSON.self, from: $0) }
    }

    /// Waits until it took `count`.
    package func mails(_ count: Int) async throws -> [JSON] {
        try await eventually("\(count) mails") {
            let mails = try mails()
            return mails.count >= count ? mails : nil
        }
    }

    /// Runs one while `body` does.
    ///
    /// - Parameters:
    ///   - folder: Where it notes what it took.
    ///   - mode: `plain`, `starttls` or `implicit`.
    ///   - issued: Its certificate; nil where it speaks in clear.
    ///   - body: The test.
    /// - Throws: What `body` throws; an error when it does not start.
    package static func run(
        in folder: String, _ mode: String, _ issued: TestAuthority.Issued? = nil,
        _ body: (MailReceiver) async throws -> Void
    ) async throws {
        let interpreter = try #require(ProcessInfo.processInfo.environment["HTTPSMS_PYTHON"])
        let script = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Tests/EndToEndTests/Judges/mail_server.py").standardized
        let record = folder + "/mails-\(UUID().uuidString)"
        let files = issued.map { [$0.certificate, $0.key] } ?? []
        try await Process.listening(interpreter, ["-B", script.path, record, mode] + files, in: folder) { port in
            try await body(MailReceiver(port: port, record: record))
        }
    }
}
