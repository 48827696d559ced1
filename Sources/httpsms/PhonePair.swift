import ArgumentParser
import Client
import Foundation
import Timestamps

extension Phone {
    /// `httpsms phone pair`.
    struct Pair: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Connect a phone with the SMSGate app: print what it needs, and wait until it is connected.",
            discussion: """
                Creates a pairing on the server and shows its URL, code and private token, and a QR code of the page \
                that has them, or of the URL. Then prints each step of the phone. Ends with 0 when the phone is \
                connected, or with 1 and what is missing when the time is over.

                Example:
                  httpsms phone pair --number +18005550199 --name "Office phone"
                """)

        @Option(help: "The phone's number; give it twice for two SIM cards.")
        var number: [String]

        @Option(help: "What you call the phone.")
        var name = ""

        @Option(help: "How long to wait, such as 90s or 10m; the code ends after 15m.")
        var timeout = "15m"

        @Flag(help: "Print what the phone needs, and do not wait for it.")
        var noWait = false

        @OptionGroup var options: ClientOptions

        func validate() throws {
            guard (1...2).contains(number.count) else {
                throw ValidationError("--number must be given once, or twice for a phone with two SIM cards")
            }
            guard DurationText.parse(timeout) != nil else {
                throw ValidationError("--timeout must be a duration, such as 90s or 10m")
            }
        }

        func run() async throws {
            Terminal.requireOutput()
            let client = try options.client()
            let (pairing, json) = try await client.pairDevice(name: name, numbers: number)
            Terminal.line(options.json ? json : Self.instructions(pairing))
            if noWait { return }
            try await wait(for: pairing, client)
        }

        private static func instructions(_ pairing: RemotePairing) -> String {
            let qr = TerminalQR.draw(pairing.pageUrl ?? pairing.url)
            let scan =
                pairing.pageUrl.map { "Scan it with the phone, or open this page there: \($0)" }
                ?? "It holds the API URL, to be copied on the phone."
            return """
                \(qr ?? "")
                \(scan)

                In the SMSGate app, under Settings > Cloud Server:
                  API URL               \(pairing.url)
                  Notification channel  SSE Only
                On the Home tab switch Cloud Server on, tap Offline, and choose By Code:
                  Code                  \(pairing.code)
                Without such a tab, set this under Settings > Cloud Server and tap Offline:
                  Private Token         \(pairing.privateToken)
                The code works once, until \(pairing.expiresAt). Keep the token secret: the phone can register again with it.
                """
        }

        /// Asks every two seconds; a server that does not answer for a moment is asked again.
        private func wait(for pairing: RemotePairing, _ client: ServerClient) async throws {
            let deadline = ContinuousClock.now + (DurationText.parse(timeout) ?? .seconds(900))
            Terminal.note("Waiting for the phone...")
            var last: PairingProgress?
            while true {
                do {
                    let progress = try await client.progress(of: pairing, numbers: number)
                    tell(progress, after: last)
                    last = progress
                    if progress.isReady {
                        Terminal.note("The phone is connected. Send a test SMS with `httpsms send`.")
                        return
                    }
                } catch let failure as ClientFailure where failure.isTransient {
                    Terminal.note("\(failure); trying again")
                }
                guard ContinuousClock.now < deadline else {
                    throw ClientFailure(
                        .refused, "the phone is not connected: \(last?.next ?? "the server could not be asked")")
                }
                try await Task.sleep(for: .seconds(2))
            }
        }

        private func tell(_ progress: PairingProgress, after last: PairingProgress?) {
            if last == progress { return }
            for step in PairingProgress.Step.allCases
            where progress.done.contains(step) && last?.done.contains(step) != true {
                switch step {
                case .registered: Terminal.note("[x] registered\(progress.version.map { ", version \($0)" } ?? "")")
                case .streams: Terminal.note("[x] listens: its stream is open")
                case .signs: Terminal.note("[x] signs what it posts")
                }
            }
            for warning in progress.warnings where last?.warnings.contains(warning) != true {
                Terminal.note("[!] \(warning)")
            }
            if let next = progress.next { Terminal.note("[ ] \(next)") }
        }
    }
}
