import Foundation
import TestSupport
import Testing

extension Browser {
    /// Signs `account` in, which has no password yet: it is `correct horse` then.
    func signIn(_ account: Account, on server: TestServer) async throws {
        try await open(server.baseURL + "/first-sign-in")
        try await type(account.email, into: "#email")
        try await type(account.apiKey, into: "#api-key")
        try await type("correct horse", into: "#password")
        try await click("main button")
        try await waitFor("At a glance")
    }

    /// Signs out, by the menu where there is one.
    func signOut() async throws {
        if try await run("return getComputedStyle(document.querySelector('.menu')).display") != "none" {
            try await click(".menu")
        }
        try await click(".who button")
    }

    /// Looks for barriers on the page that is open, as it is, and once also in windows of other widths and colours, of which it keeps
    /// pictures when HTTPSMS_SCREENSHOTS is set.
    func inspect(_ name: String, _ look: Browser.Look) async throws {
        let found = try await barriers()
        #expect(found == [], "\(name), \(look)")
        guard look == .desktopLight else { return }
        let elsewhere = try await barriersElsewhere { window in
            if Self.keepsPictures { try await keepPicture("\(name)-\(look.rawValue)-\(window)") }
        }
        #expect(elsewhere == [], "\(name), \(look)")
    }

    /// Keeps a picture of the page that is open in `screenshots/`.
    func keepPicture(_ name: String) async throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../screenshots")
            .standardized
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try await screenshot().write(to: folder.appending(path: "\(name).png"))
    }
}
