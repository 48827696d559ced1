import Foundation
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// Stands for Firebase: takes the pushes for one token and hands them on.
package struct PushEndpoint: Sendable {
    /// A push as the app gets it.
    package enum Arrival: Hashable, Sendable {
        /// A message waits to be fetched.
        case message(String)
        /// The server wants a heartbeat.
        case heartbeat
    }

    /// What came, once; at most 10,000 wait, what comes on top is lost, as with Firebase.
    package let arrivals: AsyncStream<Arrival>
    /// The one that the phone registers with.
    package let token: String
    private let continuation: AsyncStream<Arrival>.Continuation
    private let host: String
    private let port: Int

    /// - Parameters:
    ///   - host: The address to listen on.
    ///   - port: The port; 0 takes a free one.
    package init(host: String = "127.0.0.1", port: Int = 0) {
        self.host = host
        self.port = port
        token = "simulated-\(UUID().uuidString.lowercased())"
        (arrivals, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(10_000))
    }

    /// Serves until shutdown or cancellation.
    ///
    /// - Parameter onListening: Told what FCM_ENDPOINT has to be.
    /// - Throws: ``ListeningFailure`` when the address cannot be used.
    package func run(onListening: @escaping @Sendable (String) async -> Void) async throws {
        let application = Application(
            responder: CallbackResponder<BasicRequestContext> { request, _ in try await take(request) },
            configuration: .init(address: .hostname(host, port: port)),
            onServerRunning: { channel in
                await onListening("http://\(host):\(channel.localAddress?.port ?? port)")
            },
            logger: Logger(label: "push", factory: { _ in SwiftLogNoOpLogHandler() }))
        do {
            try await application.run()
        } catch let error as IOError {
            throw ListeningFailure(
                description: "cannot listen on \(host):\(port) (\(String(cString: strerror(error.errnoCode))))")
        }
        continuation.finish()
    }

    private struct Envelope: Decodable {
        let message: Message

        struct Message: Decodable {
            let token: String
            let data: [String: String]
        }
    }

    /// Answers as Firebase does: `POST /v1/projects/{project}/messages:send`.
    private func take(_ request: Request) async throws -> Response {
        let parts = request.uri.path.split(separator: "/")
        guard request.method == .post, parts.count == 4, parts[0] == "v1", parts[1] == "projects",
            parts[3] == "messages:send"
        else { return Self.answer(.notFound, Self.error(404, "NOT_FOUND", nil)) }
        let body = try await request.body.collect(upTo: 1 << 16)
        // What is not a push of the server's is refused, whatever is wrong with it.
        guard let push = try? JSONDecoder().decode(Envelope.self, from: Data(body.readableBytesView)).message else {
            return Self.answer(.badRequest, Self.error(400, "INVALID_ARGUMENT", nil))
        }
        guard push.token == token else {
            return Self.answer(.notFound, Self.error(404, "NOT_FOUND", "UNREGISTERED"))
        }
        if push.data["KEY_HEARTBEAT_ID"] != nil {
            continuation.yield(.heartbeat)
        } else if let id = push.data["KEY_MESSAGE_ID"] {
            continuation.yield(.message(id))
        }
        let id = UUID().uuidString.lowercased()
        return Self.answer(.ok, "{\"name\":\"projects/\(parts[2])/messages/\(id)\"}")
    }

    private static func error(_ code: Int, _ status: String, _ detail: String?) -> String {
        let type = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
        let details = detail.map { "{\"@type\":\"\(type)\",\"errorCode\":\"\($0)\"}" } ?? ""
        return
            "{\"error\":{\"code\":\(code),\"message\":\"\(status)\",\"status\":\"\(status)\",\"details\":[\(details)]}}"
    }

    private static func answer(_ status: HTTPResponse.Status, _ json: String) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(string: json)))
    }
}

/// Why pushes cannot be taken, in words for whoever started the simulator.
package struct ListeningFailure: Error, CustomStringConvertible {
    /// Where it cannot listen, and why.
    package let description: String
}
