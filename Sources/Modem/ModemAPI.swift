import AsyncHTTPClient
import Foundation
import JSON
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import PhoneSimulator
import Timestamps
import Wire

/// The calls that a device makes to its server, as the SMSGate app makes them.
package struct ModemAPI: Sendable {
    let device: ModemDevice
    let http: OutgoingHTTP

    init(_ device: ModemDevice, http: OutgoingHTTP = .shared) {
        (self.device, self.http) = (device, http)
    }

    /// A server that does not take a call.
    package struct Refusal: Error, CustomStringConvertible {
        /// Of HTTP.
        let status: Int
        /// The server's own sentence, where it has one.
        package let description: String
    }

    /// What pairs a modem.
    package enum Credential: Sendable {
        /// Digits; works once.
        case code(String)
        /// Works again when the device's token is lost.
        case privateToken(String)

        var header: String {
            switch self {
            case .code(let code): "Code \(code)"
            case .privateToken(let token): "Bearer \(token)"
            }
        }
    }

    /// Registers a modem.
    ///
    /// - Throws: ``Refusal`` when the server does not want it, and what the transport throws.
    package static func register(
        at url: String, _ credential: Credential, name: String, http: OutgoingHTTP = .shared
    ) async throws -> ModemDevice {
        struct Registered: Decodable {
            let id: String
            let token: String
        }
        let body = try JSONEncoder().encode(["name": name])
        let answer = try await send(
            request(.POST, url + "/device", authorization: credential.header, body: Array(body)), http: http)
        let registered = try JSONDecoder().decode(Registered.self, fromAnswer: Array(answer))
        var token: String?
        if case .privateToken(let text) = credential { token = text }
        return ModemDevice(url: url, id: registered.id, token: registered.token, privateToken: token)
    }

    /// What is to be sent; what is not a message is left out.
    func pull() async throws -> [ModemOffer] {
        struct Lenient: Decodable {
            let offer: ModemOffer?
            init(from decoder: any Decoder) throws { offer = try? ModemOffer(from: decoder) }
        }
        let answer = try await call(.GET, "/message?order=fifo")
        return try JSONDecoder().decode([Lenient].self, fromAnswer: Array(answer)).compactMap(\.offer)
    }

    /// Tells what became of messages.
    func report(_ messages: [ModemMessage]) async throws {
        struct Recipient: Encodable {
            let phoneNumber: String
            let state: String
            let error: String?
        }
        struct Report: Encodable {
            let id: String
            let state: String
            let recipients: [Recipient]
            let states: [String: String]
        }
        let reports = messages.map { message in
            let error = message.state == .failed ? message.error : nil
            return Report(
                id: message.id, state: message.state.rawValue,
                recipients: [.init(phoneNumber: message.to, state: message.state.rawValue, error: error)],
                states: message.times.mapValues(\.rfc3339))
        }
        _ = try await call(.PATCH, "/message", Array(try JSONEncoder().encode(reports)))
    }

    /// Where the modem posts what it receives.
    func hook() async throws -> String? {
        struct Hook: Decodable {
            let url: String
            let event: String
        }
        let hooks = try JSONDecoder().decode([Hook].self, fromAnswer: Array(try await call(.GET, "/webhooks")))
        return hooks.first { $0.event == "sms:received" }?.url
    }

    /// What the modem signs its posts with.
    func signingKey() async throws -> String {
        struct Settings: Decodable {
            struct Hooks: Decodable {
                let signing_key: String
            }
            let webhooks: Hooks
        }
        return try JSONDecoder().decode(Settings.self, fromAnswer: Array(try await call(.GET, "/settings"))).webhooks
            .signing_key
    }

    /// Posts an event.
    func post(_ event: ModemEvent, to url: String, signedWith key: String, at now: Timestamp) async throws {
        let body = try event.body(of: device.id)
        var request = Self.request(.POST, url, authorization: nil, body: body)
        let time = "\(now.seconds)"
        request.headers.add(name: "X-Timestamp", value: time)
        let text = String(decoding: body, as: UTF8.self) + time
        request.headers.add(name: "X-Signature", value: SMSGateApp.signature(of: text, key: key))
        _ = try await Self.send(request, http: http)
    }

    /// Reads the stream to its end.
    ///
    /// - Throws: ``Refusal`` when the server opens none, and what the transport throws; 60 s of silence are also an end.
    func stream(opened: @Sendable () -> Void, said: @Sendable (OkHTTPStreamReader.Event) async -> Void) async throws {
        var request = Self.request(.GET, device.url + "/events", authorization: "Bearer \(device.token)", body: nil)
        request.headers.replaceOrAdd(name: "Accept", value: "text/event-stream")
        let response = try await http.execute(request, timeout: .hours(24))
        let type = response.headers.first(name: "Content-Type")?.lowercased() ?? ""
        guard response.status == .ok, type.hasPrefix("text/event-stream") else {
            throw Refusal(
                status: Int(response.status.code), description: "no stream: status \(response.status.code), \(type)")
        }
        opened()
        var reader = OkHTTPStreamReader()
        for try await part in response.body {
            guard let events = reader.read(part.readableBytesView) else { return }
            for event in events { await said(event) }
        }
    }

    private func call(_ method: HTTPMethod, _ path: String, _ body: [UInt8]? = nil) async throws -> [UInt8] {
        try await Self.send(
            Self.request(method, device.url + path, authorization: "Bearer \(device.token)", body: body), http: http)
    }

    /// The first product is the app's whose protocol this is, in the version whose protocol this is: the server goes by it.
    private static let userAgent =
        "me.capcom.smsgateway/\(SMSGateVersion.newest) httpsms-modem/\(ServerVersion.current)"

    private static func request(
        _ method: HTTPMethod, _ url: String, authorization: String?, body: [UInt8]?
    ) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers.add(name: "User-Agent", value: userAgent)
        request.headers.add(name: "Accept", value: "application/json")
        if let authorization { request.headers.add(name: "Authorization", value: authorization) }
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(body)
        }
        return request
    }

    /// - Throws: ``Refusal`` for anything but a 2xx, with the server's sentence.
    private static func send(_ request: HTTPClientRequest, http: OutgoingHTTP) async throws -> [UInt8] {
        struct Sentence: Decodable {
            let message: String
        }
        let response = try await http.execute(request, timeout: .seconds(20))
        let bytes = Array(buffer: try await response.body.collect(upTo: 16 << 20))
        let status = Int(response.status.code)
        guard !(200..<300).contains(status) else { return bytes }
        // A proxy's page has none.
        let sentence = (try? JSONDecoder().decode(Sentence.self, fromAnswer: Array(bytes)))?.message
        throw Refusal(status: status, description: sentence ?? "the server answers \(status)")
    }
}
