import Foundation
import HTTPTypes
import JSON
import Secrets
import Wire

/// The server's API as the tools call it, with one key: over a socket, or inside of the server. Whoever implements it has each
/// request pass the API's own authorisation.
package protocol AgentAPI: Sendable {
    /// Sends one request.
    ///
    /// - Parameters:
    ///   - method: GET or POST.
    ///   - target: The path, with the query behind it.
    ///   - body: JSON; nil for none.
    ///   - idempotencyKey: Of several POST with one key the server carries out one; nil for none.
    /// - Returns: The body of a success.
    /// - Throws: ``AgentFault`` for anything but a 2xx, with what the server says is wrong.
    func exchange(
        _ method: HTTPRequest.Method, _ target: String, body: [UInt8]?, idempotencyKey: String?
    ) async throws(AgentFault) -> [UInt8]
}

extension AgentAPI {
    /// Sends one request and gives what a success says.
    func call(
        _ method: HTTPRequest.Method, _ path: String, query: [(String, String)] = []
    ) async throws(AgentFault) -> AgentAnswer {
        AgentAnswer(try await exchange(method, path.with(query: query), body: nil, idempotencyKey: nil))
    }

    /// Has something happen once: asks again, under the same `Idempotency-Key`, while nobody knows whether it did.
    ///
    /// Waits 1, 2 and 4 s before that, as a server that starts again does not take longer.
    ///
    /// - Throws: ``AgentFault`` for anything but a 2xx, of the last try.
    func callOnce(_ path: String, _ body: some JSONWritable) async throws(AgentFault) -> AgentAnswer {
        let (body, key) = (body.encodedJSON(), RandomToken.make())
        for pause in pausesOfTries {
            do throws(AgentFault) {
                return AgentAnswer(try await exchange(.post, path, body: body, idempotencyKey: key))
            } catch {
                guard error.isTransient else { throw error }
            }
            // Cancelled: the last try tells.
            try? await Task.sleep(for: pause)
        }
        return AgentAnswer(try await exchange(.post, path, body: body, idempotencyKey: key))
    }

    private var pausesOfTries: [Duration] { [.seconds(1), .seconds(2), .seconds(4)] }
}

/// A success of the API.
struct AgentAnswer {
    private let envelope: SuccessEnvelope

    init(_ body: [UInt8]) {
        envelope = SuccessEnvelope(body)
    }

    /// What the server says of it.
    var message: String { envelope.message }

    /// `data`, read.
    func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws(AgentFault) -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            return try decoder.decode(Value.self, fromAnswer: envelope.data)
        } catch {
            throw AgentFault("the server's answer is not the one this version knows: \(error)", isTransient: true)
        }
    }
}

/// Why a tool did not do what it was asked, in words for the agent.
package struct AgentFault: Error, Sendable {
    /// What is wrong, and what to do.
    package let message: String
    /// Whether the same may succeed later, as nobody answered or the server failed; it may also have been done all the same.
    package let isTransient: Bool

    /// Says what is wrong.
    package init(_ message: String, isTransient: Bool = false) {
        self.message = message
        self.isTransient = isTransient
    }
}
