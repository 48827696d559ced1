import Foundation
import TestSupport
import Testing

extension Browser {
    /// Looks for barriers on the page that is open, and keeps a picture of it when HTTPSMS_SCREENSHOTS is set.
    func inspect(_ name: String, _ look: Browser.Look) async throws {
        #expect(try await barriers() == [], "\(name), \(look)")
        guard ProcessInfo.processInfo.environment["HTTPSMS_SCREENSHOTS"] == "1" else { return }
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../screenshots")
            .standardized
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try await screenshot().write(to: folder.appending(path: "\(name)-\(look.rawValue).png"))
    }
}
