import Foundation
import HTTPSMSWebhooks
import Secrets
import Timestamps
import Wire

extension PhoneSimulator {
    /// Which phone is simulated, and how it behaves.
    package struct Settings: Sendable {
        /// Where the server is, without a slash at the end.
        let url: String
        /// A phone API key, or a user's.
        let apiKey: Secret<String>
        /// E.164.
        let number: String
        let sim: SIM
        /// The part of messages that cannot be sent, from 0 to 1.
        let failRate: Double
        /// From fetching to SENT, and again to DELIVERED.
        let latency: Duration
        /// When it falls silent; nil means never.
        let offlineAfter: Duration?
        /// How often an SMS comes in; nil means never.
        let receiveEvery: Duration?
        /// How often a call is missed; nil means never.
        let missedCallEvery: Duration?
        /// Where pushes are taken.
        let listenHost: String
        /// Where pushes are taken; 0 takes a free port.
        let listenPort: Int

        /// The options of the command, as text.
        package struct Options: Sendable {
            /// By the option's name, without dashes; what is absent or nil has its default.
            package let texts: [String: String?]

            /// Takes the options.
            package init(_ texts: [String: String?]) {
                self.texts = texts
            }
        }

        /// Reads the options of the command.
        ///
        /// - Throws: ``Invalid``, which names the option.
        package init(_ options: Options) throws(Invalid) {
            url = try options.read("url", "an http:// or https:// URL") { text in
                var url = text
                while url.last == "/" { url.removeLast() }
                guard let parsed = URL(string: url), ["http", "https"].contains(parsed.scheme?.lowercased()),
                    parsed.host?.isEmpty == false
                else { return nil }
                return url
            }
            apiKey = try options.read("api-key", "a phone API key") { $0.isEmpty ? nil : Secret($0) }
            number = try options.read("number", "a number in the international format, such as +18005550199") {
                Self.internationalNumber($0)
            }
            sim = try options.read("sim", "SIM1 or SIM2", default: SIM.sim1) { SIM(rawValue: $0) }
            failRate = try options.failRate()
            latency = try options.latency()
            offlineAfter = try options.offlineAfter()
            receiveEvery = try options.receiveEvery()
            missedCallEvery = try options.interval("missed-call-every")
            (listenHost, listenPort) = try options.read(
                "listen", "an address and a port, such as 127.0.0.1:9191", default: ("127.0.0.1", 9_191)
            ) { text in
                guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
                    (0...65_535).contains(port), colon > text.startIndex
                else { return nil }
                return (String(text[..<colon]), port)
            }
        }

        /// An option that holds what it should not.
        package struct Invalid: Error, CustomStringConvertible {
            /// Names the option and what it may hold.
            package let description: String
        }

        /// A plus and 7 to 15 digits (E.164), however they are grouped; nil for anything else.
        private static func internationalNumber(_ text: String) -> String? {
            let digits = text.drop { $0 == " " }.dropFirst().filter { !" ()-.".contains($0) }
            guard text.trimmed.hasPrefix("+"), digits.isDigits, (7...15).contains(digits.count) else { return nil }
            return "+" + digits
        }
    }
}

/// The options that phones with either app have.
extension PhoneSimulator.Settings.Options {
    func failRate() throws(PhoneSimulator.Settings.Invalid) -> Double {
        try read("fail-rate", "a number from 0 to 1", default: 0) { text in
            Double(text).flatMap { (0...1).contains($0) ? $0 : nil }
        }
    }

    func latency() throws(PhoneSimulator.Settings.Invalid) -> Duration {
        try read("latency", Self.durations, default: .milliseconds(300), Self.duration)
    }

    func offlineAfter() throws(PhoneSimulator.Settings.Invalid) -> Duration? {
        try read("offline-after", Self.durations, default: nil, Self.duration)
    }

    func receiveEvery() throws(PhoneSimulator.Settings.Invalid) -> Duration? { try interval("receive-every") }

    /// How often something happens; nil means never.
    func interval(_ name: String) throws(PhoneSimulator.Settings.Invalid) -> Duration? {
        let expected = "a duration of at least 100ms, such as 300ms, 90s, 10m or 1h"
        return try read(name, expected, default: nil) { text in
            Self.duration(text).flatMap { $0 >= .milliseconds(100) ? $0 : nil }
        }
    }

    private static let durations = "a duration, such as 300ms, 90s, 10m or 1h"

    private static func duration(_ text: String) -> Duration? {
        guard text.hasSuffix("ms") else { return DurationText.parse(text) }
        let digits = text.dropLast(2)
        return digits.isDigits && digits.count < 9 ? Int(digits).map { .milliseconds($0) } : nil
    }
}

/// How an option is read.
extension PhoneSimulator.Settings.Options {
    func read<Value>(
        _ name: String, _ expected: String, default standard: Value? = nil, _ parse: (String) -> Value?
    ) throws(PhoneSimulator.Settings.Invalid) -> Value {
        if let text = texts[name] ?? nil {
            if let value = parse(text) { return value }
        } else if let standard {
            return standard
        }
        throw PhoneSimulator.Settings.Invalid(description: "--\(name) must be \(expected)")
    }

    /// The same for an option without which there is nothing.
    func read<Value>(
        _ name: String, _ expected: String, default standard: Never?, _ parse: (String) -> Value?
    ) throws(PhoneSimulator.Settings.Invalid) -> Value? {
        guard texts[name] ?? nil != nil else { return nil }
        let value: Value = try read(name, expected, parse)
        return value
    }
}
