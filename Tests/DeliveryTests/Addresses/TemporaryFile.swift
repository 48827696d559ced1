import Foundation

/// A file of a test, removed when the last reference to it goes.
final class TemporaryFile: Sendable {
    /// Where it is.
    let path: String

    /// Makes it.
    init(_ text: String) throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("httpsms-\(UUID()).txt").path
        try replace(text)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Puts another file in its place, as those who change resolv.conf do.
    func replace(_ text: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }
}
