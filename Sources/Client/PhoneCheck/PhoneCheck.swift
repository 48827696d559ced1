import AsyncHTTPClient
import Foundation
import JSON
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import NIOSSL
import Timestamps
import Wire

/// `httpsms doctor --phone`: looks at a server as a phone comes to it, from the outside in, and stops where a phone would stop.
package struct PhoneCheck: Sendable {
    /// One thing that was looked at.
    package struct Finding: Sendable, Hashable, CustomStringConvertible {
        /// How bad it is.
        package enum Level: String, Sendable {
            case fine = "ok     "
            case warning = "WARNING"
            case problem = "PROBLEM"
        }

        /// How bad it is.
        package let level: Level
        /// What was looked at.
        package let subject: String
        /// What was found, and the next step.
        package let text: String

        package var description: String { "\(level.rawValue)  \(subject): \(text)" }

        static func fine(_ subject: String, _ text: String) -> Finding { .init(.fine, subject, text) }
        static func warning(_ subject: String, _ text: String) -> Finding { .init(.warning, subject, text) }
        static func problem(_ subject: String, _ text: String) -> Finding { .init(.problem, subject, text) }

        private init(_ level: Level, _ subject: String, _ text: String) {
            (self.level, self.subject, self.text) = (level, subject, text)
        }
    }

    let address: PhoneAddress
    let authority: [NIOSSLCertificate]
    let http: OutgoingHTTP
    let clock: any WallClock

    /// How long a phone waits for a connection, and for an answer.
    static let patience: TimeAmount = .seconds(10)

    /// - Parameters:
    ///   - url: The server's, with or without the path that the app's API URL ends in.
    ///   - authorityFile: The PEM file of an authority of one's own, which the phone has as a user certificate; nil for none.
    ///   - clock: What the server's clock is compared with.
    /// - Throws: ``ClientFailure`` `usage` for a URL or a file that cannot be used.
    package init(
        _ url: String, authorityFile: String? = nil, clock: any WallClock = SystemClock()
    ) throws(ClientFailure) {
        address = try PhoneAddress(url)
        // Whatever is wrong with the file, the sentence below says what it must be.
        let found = authorityFile.map { (try? NIOSSLCertificate.fromPEMFile($0)) ?? [] }
        if let authorityFile, found?.isEmpty ?? true {
            throw ClientFailure(.usage, "--cacert: \(authorityFile) holds no certificate in PEM")
        }
        authority = found ?? []
        http = OutgoingHTTP(additionalTrustRoots: authority)
        self.clock = clock
    }

    /// Looks at everything in order.
    ///
    /// - Parameter show: Takes each finding as it is made.
    /// - Returns: Whether a phone can work with this server.
    package func run(_ show: (Finding) -> Void) async -> Bool {
        var isFine = true
        func tell(_ findings: [Finding]) -> Bool {
            for finding in findings { show(finding) }
            let isPassed = !findings.contains { $0.level == .problem }
            isFine = isFine && isPassed
            return isPassed
        }
        if tell([address.scheme]), tell(await names()), tell(await certificate()) {
            let (path, isReached) = await path()
            _ = tell(path)
            if isReached {
                _ = tell([await posting()])
                _ = tell([await streaming()])
            }
        }
        // The clients end with the process, whatever comes of this.
        try? await http.shutdown()
        return isFine
    }

    // MARK: Through the proxy

    /// What an answer is good for.
    struct Answer: Sendable {
        let status: Int
        let location: String?
        let date: String?
        let body: [UInt8]

        func member(_ name: String) -> String? {
            (try? JSONDecoder().decode([String: String].self, fromAnswer: body))?[name]
        }
    }

    func ask(_ method: HTTPMethod, _ path: String, _ body: String? = nil) async throws -> Answer {
        var request = HTTPClientRequest(url: address.api + path)
        request.method = method
        request.headers.add(name: "User-Agent", value: Self.userAgent)
        request.headers.add(name: "Accept-Encoding", value: "gzip")
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body))
        }
        let response = try await http.execute(request, timeout: Self.patience)
        return Answer(
            status: Int(response.status.code), location: response.headers.first(name: "Location"),
            date: response.headers.first(name: "Date"),
            body: Array(buffer: try await response.body.collect(upTo: 1 << 20)))
    }

    static let userAgent = "httpsms-doctor/\(ServerVersion.current)"

    /// `GET /device` needs no token, and tells the address that a phone comes from.
    private func path() async -> ([Finding], isReached: Bool) {
        let answer: Answer
        do {
            answer = try await ask(.GET, "/device")
        } catch {
            return (
                [.problem("path", "no answer (\(error)): does httpsms run, and does the proxy forward to it?")], false
            )
        }
        if (300..<400).contains(answer.status) { return ([redirect(answer)], false) }
        guard answer.status == 200, let client = answer.member("externalIp") else {
            let text = "\(address.api) does not lead to httpsms (status \(answer.status)): forward the whole host to it"
            return ([.problem("path", text)], false)
        }
        var findings: [Finding] = [.fine("path", "\(address.api) leads to httpsms, without a redirect")]
        findings.append(await seenAs(client))
        findings += time(answer)
        return (findings, true)
    }

    private func redirect(_ answer: Answer) -> Finding {
        let target = answer.location ?? "somewhere else"
        return .problem(
            "redirect",
            "\(address.api) redirects to \(target), and the app follows no redirect of a POST: give the app the address "
                + "that it leads to, or switch the redirect off")
    }

    /// Behind a proxy that is not trusted every phone has the proxy's address, and shares its limits.
    private func seenAs(_ client: String) async -> Finding {
        if PhoneAddress.isLoopback(client), !(await leadsHere()) {
            return .warning(
                "client", "the server takes every phone for \(client): name your proxy in TRUSTED_PROXIES")
        }
        return .fine("client", "the server sees this machine as \(client)")
    }

    private func time(_ answer: Answer) -> [Finding] {
        guard let date = answer.date, let told = Self.dates.date(from: date) else { return [] }
        let difference = Int(told.timeIntervalSince1970.rounded()).clampedSubtracting(Int(clock.now().seconds))
        if abs(difference) <= 30 { return [.fine("clock", "the server's and this machine's agree")] }
        let side = difference > 0 ? "ahead of" : "behind"
        return [
            .warning(
                "clock", "the server's clock is \(abs(difference)) s \(side) this machine's: set the wrong one with NTP"
            )
        ]
    }

    /// RFC 9110, 5.6.7.
    private static let dates: DateFormatter = {
        let dates = DateFormatter()
        dates.locale = Locale(identifier: "en_US_POSIX")
        dates.timeZone = TimeZone(identifier: "GMT")
        dates.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
        return dates
    }()

    /// A registration without a code is refused with a sentence of ours; whoever else answers stands in the way of every report.
    private func posting() async -> Finding {
        do {
            let answer = try await ask(.POST, "/device", "{}")
            if (300..<400).contains(answer.status) { return redirect(answer) }
            guard answer.status == 401, answer.member("message") != nil else {
                return .problem(
                    "requests",
                    "a POST is answered \(answer.status) before it comes to httpsms: see what the proxy or its firewall refuses"
                )
            }
            return .fine("requests", "a POST comes through")
        } catch {
            return .problem("requests", "a POST has no answer (\(error)): see what the proxy or its firewall refuses")
        }
    }
}
