import Foundation

/// A real browser, driven over W3C WebDriver (https://www.w3.org/TR/webdriver2/): the Chromium that is built without windows, which takes
/// a fifth of the other's processor.
package struct Browser: Sendable {
    private let driver: APIClient
    private let session: String
    private let look: Look

    /// The size of the window in which somebody works, and the colours that they prefer: pages behave differently in a narrow window.
    package enum Look: String, Sendable, CaseIterable {
        case desktopLight, phoneDark

        /// For what a narrow window only shows in another width, which pages are inspected in anyway: both in `make soak` and where
        /// pictures are taken.
        package static var usual: [Look] { isSoak || keepsPictures ? allCases : [.desktopLight] }
    }

    /// Whether pages are kept as pictures, as `make screenshots` asks for.
    package static var keepsPictures: Bool { ProcessInfo.processInfo.environment["HTTPSMS_SCREENSHOTS"] == "1" }

    /// The command that the driver was given failed.
    package struct Failure: Error, CustomStringConvertible {
        /// The driver's words.
        package let description: String
    }

    fileprivate init(driver: APIClient, look: Look) async throws {
        let arguments = [
            // As on a phone, where they lie above the page.
            "--hide-scrollbars", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run",
            "--window-size=\(look == .phoneDark ? "390,900" : "1280,900")",
        ]
        let answer = try await driver.post(
            "/session",
            [
                "capabilities": [
                    "alwaysMatch": [
                        // A page of a thousand lines is looked through in many seconds.
                        "timeouts": ["script": 120_000], "browserName": "chrome",
                        "goog:loggingPrefs": ["browser": "ALL"],
                        "goog:chromeOptions": [
                            // Debian has a script before it, which the driver would end in its place.
                            "binary": "/usr/lib/chromium/chromium-headless-shell",
                            "args": .array(arguments.map(JSON.string)),
                        ],
                    ]
                ]
            ])
        guard answer.status == 200 else { throw Failure(description: "\(answer)") }
        (self.driver, self.look) = (driver, look)
        session = answer.json["value"]["sessionId"].string
        try await prefer(dark: look == .phoneDark)
    }

    /// Opens an address and waits until it is loaded.
    package func open(_ url: String) async throws {
        _ = try await command("/url", ["url": .string(url)])
    }

    /// Replaces what stands in the field that `selector` finds.
    package func type(_ text: String, into selector: String) async throws {
        let element = try await find(selector)
        _ = try await command("/element/\(element)/clear", [:])
        _ = try await command("/element/\(element)/value", ["text": .string(text)])
    }

    /// Chooses the file at `path` in the field that `selector` finds.
    package func choose(_ path: String, in selector: String) async throws {
        let element = try await find(selector)
        _ = try await command("/element/\(element)/value", ["text": .string(path)])
    }

    /// Clicks what `selector` finds, as a person would: it must be visible. A page that is live may replace it in between.
    package func click(_ selector: String) async throws {
        try await until("a click on \(selector)") {
            let element = try await find(selector)
            do {
                _ = try await command("/element/\(element)/click", [:])
                return true
            } catch let failure as Failure where failure.description.contains("stale element reference") {
                return false
            }
        }
    }

    /// Clicks what `selector` finds and waits until another page, or the same one again, is there.
    package func follow(_ selector: String) async throws {
        try await leaving { try await click(selector) }
    }

    /// Loads the page again.
    package func reload() async throws {
        try await leaving { try await run("location.reload()") }
    }

    /// Runs `action`, which leaves the page: a mark on it is gone once the next one is there.
    private func leaving(_ action: () async throws -> Void) async throws {
        try await run("window.isLeft = false")
        try await action()
        try await until("the page is left") {
            try await run("return window.isLeft === undefined && document.readyState === 'complete'") == true
        }
    }

    /// Runs the body of a function in the page and gives what it returns.
    @discardableResult
    package func run(_ script: String) async throws -> JSON {
        try await command("/execute/sync", ["script": .string(script), "args": []])
    }

    /// The path of the page that is open.
    package func path() async throws -> String { try await run("return location.pathname").string }

    /// What a person can read on the page.
    package func text() async throws -> String { try await run("return document.body.innerText").string }

    /// Waits until the page shows `text`.
    ///
    /// - Throws: ``NeverHappened`` after ``longestWait``.
    package func waitFor(_ text: String) async throws {
        try await until("the page shows \(text)") { try await self.text().contains(text) }
    }

    /// Makes the window as high as the page, up to `limit` pixels.
    package func grow(to limit: Int) async throws {
        let frame = "window.outerHeight - window.innerHeight"
        let height = try await run("return Math.min(\(limit), document.documentElement.scrollHeight + \(frame))")
        _ = try await command("/window/rect", ["width": run("return window.outerWidth"), "height": height])
    }

    /// A picture of the page as PNG.
    package func screenshot() async throws -> Data {
        let answer = try await driver.get("/session/\(session)/screenshot")
        return Data(base64Encoded: answer.json["value"].string) ?? Data()
    }

    /// What the browser complained of since it was asked last: errors of scripts, violations of the content security
    /// policy. An answer that is not a success is none of these.
    package func complaints() async throws -> [String] {
        try await command("/se/log", ["type": "browser"]).array
            .filter { $0["level"].string == "SEVERE" && $0["source"].string != "network" }
            .map { $0["message"].string }
    }

    fileprivate func quit() async throws {
        _ = try await driver.delete("/session/\(session)")
    }

    private func find(_ selector: String) async throws -> String {
        let found = try await command("/element", ["using": "css selector", "value": .string(selector)])
        return found["element-6066-11e4-a52e-4f735466cecf"].string
    }

    /// Has pages see a user who prefers dark colours, or light ones.
    func prefer(dark isDark: Bool) async throws {
        let feature: JSON = ["name": "prefers-color-scheme", "value": .string(isDark ? "dark" : "light")]
        _ = try await devTools("Emulation.setEmulatedMedia", ["features": [feature]])
    }

    /// Has pages see again what they saw at first.
    func restoreLook() async throws {
        _ = try await devTools("Emulation.clearDeviceMetricsOverride", [:])
        try await prefer(dark: isOfDarkColours)
    }

    /// Whether the look has the user prefer dark colours.
    var isOfDarkColours: Bool { look == .phoneDark }

    /// Sends a command of Chromium's own protocol (https://chromedevtools.github.io/devtools-protocol/).
    func devTools(_ name: String, _ parameters: JSON) async throws -> JSON {
        try await command("/goog/cdp/execute", ["cmd": .string(name), "params": parameters])
    }

    private func command(_ path: String, _ body: JSON) async throws -> JSON {
        try await command(path, Array(JSONEncoder().encode(body)))
    }

    /// Sends a command whose body is JSON already.
    func command(_ path: String, _ body: [UInt8]) async throws -> JSON {
        let answer = try await driver.send(
            "POST", "/session/\(session)\(path)", headers: [("Content-Type", "application/json")], body: body)
        guard answer.status == 200 else { throw Failure(description: "\(path): \(answer)") }
        return answer.json["value"]
    }
}

/// Starts a driver and a browser, runs `body`, and ends both.
///
/// - Throws: What `body` throws, and `Browser.Failure`; ``NeverHappened`` when there is no chromedriver.
package func withBrowser(
    _ look: Browser.Look = .desktopLight, _ body: @Sendable (Browser) async throws -> Void
) async throws {
    try await withTemporaryDirectory { directory in
        let (process, port) = try await startDriver(in: directory)
        // Not SIGTERM: a child of a Swift thread starts with that blocked.
        defer { kill(process.processIdentifier, SIGKILL) }
        let browser = try await Browser(
            driver: APIClient(baseURL: "http://127.0.0.1:\(port)", apiKey: nil), look: look)
        do {
            try await body(browser)
        } catch {
            try await browser.quit()
            throw error
        }
        try await browser.quit()
    }
}

/// Starts a driver on a free port of its own choice; another one when it ends because somebody else was quicker to take
/// the port that it had chosen.
private func startDriver(in directory: String) async throws -> (Process, port: String) {
    try await eventually("chromedriver listens") {
        let log = directory + "/chromedriver.log"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/chromedriver")
        process.arguments = ["--port=0"]
        let output = try FileHandle(forWritingTo: URL(filePath: log))
        process.standardOutput = output
        process.standardError = output
        try process.run()
        do {
            return try await eventually("chromedriver says its port or ends") {
                let text = try String(contentsOfFile: log, encoding: .utf8)
                if let found = text.firstMatch(of: /on port (\d+)\./) { return (process, String(found.1)) }
                if !process.isRunning { throw Browser.Failure(description: text) }
                return nil
            }
        } catch is Browser.Failure {
            return nil
        } catch {
            kill(process.processIdentifier, SIGKILL)
            throw error
        }
    }
}
