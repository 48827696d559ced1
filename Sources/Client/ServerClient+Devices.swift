import Foundation
import JSON
import NIOHTTP1
import Timestamps

/// Leave for one phone to connect, as its account is told of it once.
package struct RemotePairing: Sendable, Decodable {
    /// Digits for the app's tab "By Code".
    package let code: String
    /// For an app that was used with another server before.
    package let privateToken: String
    /// What the app's API URL is set to.
    package let url: String
    /// A page for the phone itself; nil where the server has none.
    package let pageUrl: String?
    /// When the code ends, and the token unless a phone has registered by then.
    package let expiresAt: Timestamp
}

/// A phone as `GET /v1/devices` tells of it.
struct RemoteDevice: Sendable, Decodable {
    struct Number: Sendable, Decodable {
        let phoneNumber: String
    }

    let id: String
    let appVersion: String?
    let numbers: [Number]
    /// `stream` once it has opened one.
    let transport: String
    let signatureOk: Bool?
    /// Seconds.
    let clockError: Int?
    let registeredAt: Timestamp
}

/// How far the connection of a phone has come.
package struct PairingProgress: Sendable, Hashable {
    /// What is done, in the order in which it comes.
    package enum Step: Int, CaseIterable, Sendable {
        case registered, streams, signs
    }

    /// Those that are done.
    package let done: Set<Step>
    /// What is odd, and what to do.
    package let warnings: [String]
    /// Of the app; nil until it said.
    package let version: String?

    /// Before anything happened.
    static let nothing = PairingProgress(done: [], warnings: [], version: nil)

    private init(done: Set<Step>, warnings: [String], version: String?) {
        (self.done, self.warnings, self.version) = (done, warnings, version)
    }

    init(_ device: RemoteDevice) {
        var done: Set<Step> = [.registered]
        if device.transport == "stream" { done.insert(.streams) }
        if device.signatureOk == true { done.insert(.signs) }
        var warnings: [String] = []
        if let error = device.clockError, abs(error) > 60 {
            warnings.append("the phone's clock is \(abs(error)) s \(error > 0 ? "behind" : "ahead"): set it right")
        }
        if device.signatureOk == false {
            warnings.append("the phone signs with another key: clear the field in its settings for webhooks")
        }
        self.init(done: done, warnings: warnings, version: device.appVersion)
    }

    /// Whether messages reach the phone at once.
    package var isReady: Bool { done.isSuperset(of: [.registered, .streams]) }

    /// What to do about the first step that is missing; nil when none is.
    package var next: String? {
        if !done.contains(.registered) { return "enter the code in the app, or set its private token" }
        if !done.contains(.streams) {
            return """
                the phone has no stream: set Notification channel to SSE Only, tap Online twice (off, on), and see that no \
                proxy holds the stream back: httpsms doctor --phone \(Self.placeholder)
                """
        }
        return nil
    }

    private static let placeholder = "https://..."
}

extension ServerClient {
    /// Makes a pairing for a phone.
    ///
    /// - Parameters:
    ///   - name: What people call the phone.
    ///   - numbers: Of its SIM cards: the first card's first, two at most.
    /// - Returns: The pairing, and `data` of the answer as it came.
    /// - Throws: ``ClientFailure`` when the server refuses, or does not answer.
    package func pairDevice(
        name: String, numbers: [String]
    ) async throws(ClientFailure) -> (pairing: RemotePairing, json: String) {
        let answer = try await call(.POST, "/v1/devices/pairings", PairingBody(name: name, numbers: numbers))
        return (try answer.decode(), String(decoding: answer.data, as: UTF8.self))
    }

    /// How far the phone of a pairing has come.
    package func progress(of pairing: RemotePairing, numbers: [String]) async throws -> PairingProgress {
        let devices: [RemoteDevice] = try await call(.GET, "/v1/devices", query: [("limit", "100")]).decode()
        let digits = Set(numbers.map { $0.filter(\.isNumber) })
        // By the server's clock, to a second: an older registration of the same number is another phone's.
        let begin = pairing.expiresAt - .seconds(901)
        let found = devices.filter { device in
            device.registeredAt > begin
                && device.numbers.contains { digits.contains($0.phoneNumber.filter(\.isNumber)) }
        }
        return found.max { $0.registeredAt < $1.registeredAt }.map(PairingProgress.init) ?? .nothing
    }

    private struct PairingBody: JSONWritable {
        let name: String
        let numbers: [String]

        func write(to json: inout JSONWriter) {
            json.object { o in
                o.field("name", name)
                o.array("numbers", of: Array(numbers.enumerated())) { json, number in
                    json.object { o in
                        o.field("sim", "SIM\(number.offset + 1)")
                        o.field("phone_number", number.element)
                    }
                }
            }
        }
    }
}
