import AsyncHTTPClient
import Delivery
import Foundation
import HTTPSMSWebhooks
import JSON
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Secrets
import Synchronization
import Wire

/// Calls the public HTTP API of a server, ours or api.httpsms.com, for the commands.
package struct ServerClient: Sendable {
    let settings: ClientSettings
    let http: OutgoingHTTP

    /// Names the server.
    package init(_ settings: ClientSettings) {
        self.init(settings, http: .shared)
    }

    /// Names the server, and a PEM file of authorities that are trusted besides the system's.
    ///
    /// - Throws: ``ClientFailure`` `usage` when the file has no certificate.
    package init(_ settings: ClientSettings, trusting file: String) throws(ClientFailure) {
        let roots: [NIOSSLCertificate]
        do {
            roots = try NIOSSLCertificate.fromPEMFile(file)
        } catch {
            throw ClientFailure(.usage, "--cacert: \(file) cannot be read as a PEM file of certificates")
        }
        guard !roots.isEmpty else { throw ClientFailure(.usage, "--cacert: \(file) has no certificate") }
        let http = OutgoingHTTP(additionalTrustRoots: roots)
        // Its connections live as long as the process, as those of the shared one do: a command has one server.
        Self.kept.withLock { $0.append(http) }
        self.init(settings, http: http)
    }

    private static let kept = Mutex<[OutgoingHTTP]>([])

    init(_ settings: ClientSettings, http: OutgoingHTTP) {
        self.settings = settings
        self.http = http
    }

    /// A success.
    struct Answer: Sendable {
        /// `data` of the envelope, as it came; empty when there is none.
        let data: [UInt8]
        /// `message` of the envelope.
        let message: String
        /// Where a list goes on; nil at its end, and for what is no list.
        let nextCursor: String?

        /// `data`, read.
        func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws(ClientFailure) -> Value {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            do {
                return try decoder.decode(Value.self, fromAnswer: data)
            } catch {
                throw ClientFailure(.serverFailed, "the server's answer is not the one this version knows: \(error)")
            }
        }
    }

    /// Sends one request and gives what a success says.
    ///
    /// - Throws: ``ClientFailure`` for anything but a 2xx, with what the server says is wrong.
    func call(
        _ method: HTTPMethod, _ path: String, query: [(String, String?)] = [], _ body: (any JSONWritable)? = nil
    ) async throws(ClientFailure) -> Answer {
        Self.answer(try await exchange(method, path, query: query, body: body?.encodedJSON()))
    }

    /// What stands in an envelope.
    static func answer(_ bytes: [UInt8]) -> Answer {
        let envelope = SuccessEnvelope(bytes)
        return Answer(data: envelope.data, message: envelope.message, nextCursor: envelope.nextCursor)
    }

    /// Sends one request, with `body` of this type unless that is nil, and gives the body of a success. Of several POST with one
    /// `idempotencyKey` the server carries out one.
    ///
    /// - Throws: ``ClientFailure`` for anything but a 2xx, with what the server says is wrong.
    func exchange(
        _ method: HTTPMethod, _ path: String, query: [(String, String?)] = [], body: [UInt8]? = nil,
        type: String = "application/json", idempotencyKey: String? = nil
    ) async throws(ClientFailure) -> [UInt8] {
        var request = request(method, path, query: query)
        if let idempotencyKey { request.headers.add(name: "Idempotency-Key", value: idempotencyKey) }
        if let body {
            request.headers.add(name: "Content-Type", value: type)
            request.body = .bytes(body)
        }
        let status: Int
        let bytes: [UInt8]
        do {
            let response = try await http.execute(request, timeout: Self.limit)
            bytes = Array(buffer: try await response.body.collect(upTo: Self.largestAnswer))
            status = Int(response.status.code)
            try Self.refuseRedirect(response, from: settings.url)
        } catch let failure as ClientFailure {
            throw failure
        } catch {
            throw unreachable(error)
        }
        guard (200..<300).contains(status) else { throw refusal(status, bytes) }
        return bytes
    }

    /// A request with the key, for ``http``.
    func request(_ method: HTTPMethod, _ path: String, query: [(String, String?)]) -> HTTPClientRequest {
        let items = query.compactMap { name, value in value.map { (name, $0) } }
        var request = HTTPClientRequest(url: settings.url + path.with(query: items))
        request.method = method
        request.headers.add(name: "x-api-key", value: settings.apiKey.exposed)
        request.headers.add(name: "X-Client-Version", value: "httpsms-cli/\(ServerVersion.current)")
        return request
    }

    /// 30 s for a request and its answer.
    private static let limit: TimeAmount = .seconds(30)

    /// 32 MiB: 100 deliveries with their attempts have a few.
    private static let largestAnswer = 32 << 20
}

extension ServerClient {
    static func refuseRedirect(_ response: HTTPClientResponse, from url: String) throws(ClientFailure) {
        guard (300..<400).contains(response.status.code) else { return }
        let target = response.headers.first(name: "Location") ?? "somewhere else"
        throw ClientFailure(.refused, "\(url) redirects to \(target): give the address that it redirects to as --url")
    }

    /// What a status that is not a success means.
    func refusal(_ status: Int, _ body: [UInt8]) -> ClientFailure {
        let envelope = ErrorEnvelope(body)
        var lines = ["\(settings.url) answered \(status): \(envelope?.message ?? "it gave no reason")"]
        lines += (envelope?.details ?? []).map { "  \($0)" }
        let kind: ClientFailure.Status
        switch status {
        case 401, 403:
            kind = .unauthorised
            lines.append(
                settings.apiKey.exposed.hasPrefix(APIKey.phonePrefix)
                    ? "  This is the key of a phone (\(APIKey.phonePrefix)...): use the account's own API key."
                    : "  The key is that of \(settings.keySource). `httpsms whoami` says whose key is used.")
        case 404:
            kind = .notFound
            if envelope == nil { lines.append("  This server does not have what the command asks for.") }
        case 500...: kind = .serverFailed
        default: kind = .refused
        }
        return ClientFailure(kind, lines.joined(separator: "\n"))
    }

    /// What it means that nobody answered.
    func unreachable(_ error: any Error) -> ClientFailure {
        let reason =
            switch error {
            case let error as NIOConnectionError: Self.reason(error)
            case let error as HTTPClientError where error == .connectTimeout:
                "no connection within 10 s, or no answer from its name servers"
            case is CertificateIdentity.Mismatch: "its certificate is for another host name"
            case let error as HTTPClientError where [.deadlineExceeded, .readTimeout].contains(error):
                "no answer in time"
            default: Self.reason(ofTLS: error)
            }
        return ClientFailure(
            .unreachable,
            "\(settings.url) cannot be reached (\(reason)): is the server running, and --url or HTTPSMS_URL right?")
    }

    private static func reason(_ error: NIOConnectionError) -> String {
        switch error.connectionErrors.last?.error {
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case let error?: reason(ofTLS: error)
        case nil: "the name does not resolve"
        }
    }
    /// What a failed handshake means; the library's own text names its source files. BoringSSL names its errors so since 2014.
    private static func reason(ofTLS error: any Error) -> String {
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return "its certificate is not trusted; --cacert names a file with the authority that issued it"
        }
        if ["WRONG_VERSION_NUMBER", "HTTP_REQUEST"].contains(where: text.contains) {
            return "it does not speak HTTPS: use http://"
        }
        if error is NIOSSLError || error is NIOSSLExtraError { return "the TLS handshake failed" }
        return text
    }
}
