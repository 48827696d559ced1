import Delivery
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Storage
import Wire

/// Notes changes in the log of the account that they were made in, once they were made and before they are answered.
package struct AuditTrail: Sendable {
    let store: any Store

    /// Adds what a request did to the account's log. What was refused changed nothing, and is not noted.
    ///
    /// The change stands by then: an entry that cannot be stored is told of in the server's log instead of failing a request that
    /// did what it was asked.
    ///
    /// - Parameters:
    ///   - request: What was asked.
    ///   - route: Method and path as the router has them.
    ///   - response: The answer; its body may be read, and is put back.
    ///   - named: What a form named, where the path does not.
    ///   - actor: Who asked.
    ///   - userID: Whose log it is.
    ///   - origin: Where the request came from.
    ///   - logger: Where an entry is told of that could not be stored.
    package func note(
        _ request: Request, _ route: String, _ response: inout Response, named: String? = nil,
        by actor: AuditEntry.Actor, userID: UserID, from origin: RequestOrigin, logger: Logger
    ) async {
        guard let action = AuditedRoutes.action(of: route), response.status.code < 400,
            response.headers[.idempotencyReplayed] == nil
        else { return }
        let subject: String?
        if let found = Self.subject(of: request.uri.path, route) ?? named ?? Self.location(response) {
            subject = found
        } else {
            subject = await Self.created(&response)
        }
        do {
            try await store.write(for: userID) { tx in
                try AuditLog.add(
                    action, of: subject, by: actor, from: origin.client.map { "\($0)" }, userID: userID, in: tx)
            }
        } catch is Refusal {
            return  // The account was deleted meanwhile, and its log with it.
        } catch {
            logger.error(
                "a change is not in the log of changes",
                metadata: ["action": "\(action.rawValue)", "user": "\(userID)", "error": "\(error)"])
        }
    }

    /// What stands in the path where the route has its last parameter; nil for a route without one.
    static func subject(of path: String, _ route: String) -> String? {
        let template = route.split(separator: " ").last?.split(separator: "/") ?? []
        let parts = path.split(separator: "/")
        guard template.count == parts.count else { return nil }
        return zip(template, parts).first { $0.0.hasPrefix("{") }.map { UUIDText.canonical($0.1) ?? String($0.1) }
    }

    /// The id in the address that a page sends the browser on to; nil when there is none.
    private static func location(_ response: Response) -> String? {
        let path = response.headers[.location]?.prefix { $0 != "?" && $0 != "#" }
        return path?.split(separator: "/").lazy.compactMap { UUIDText.canonical($0) }.first
    }

    /// The `id` of what an answer hands over as new; nil when that is nothing, or several.
    private static func created(_ response: inout Response) async -> String? {
        struct Envelope: Decodable {
            struct Created: Decodable { let id: String? }
            let data: [Created]

            private enum Member: CodingKey {
                case data
            }

            init(from decoder: any Decoder) throws {
                let members = try decoder.container(keyedBy: Member.self)
                let list = try? members.decode([Created].self, forKey: .data)  // One thing, or a list.
                data = try list ?? [members.decode(Created.self, forKey: .data)]
            }
        }
        guard response.headers[.contentType]?.hasPrefix("application/json") == true else { return nil }
        let body = BodyBytes()
        do {
            try await response.body.write(body)
        } catch {
            return nil  // Answers with an id are whole before they are sent, and cannot fail.
        }
        response.body = .init(byteBuffer: ByteBuffer(bytes: body.bytes))
        // An answer without data has no id either.
        let made = try? JSONDecoder().decode(Envelope.self, from: Data(body.bytes)).data
        return made.flatMap { $0.count == 1 ? $0[0].id : nil }
    }
}

/// Notes what programs change through the API.
struct AuditMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let trail: AuditTrail

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        if request.method != .get, let identity = context.identity, let actor = AuditEntry.Actor(identity) {
            await trail.note(
                request, context.route, &response, by: actor, userID: identity.userID, from: context.origin,
                logger: context.logger)
        }
        return response
    }
}

/// The body of an answer that is whole before it is sent.
package final class BodyBytes: ResponseBodyWriter {
    /// What was written so far.
    package private(set) var bytes: [UInt8] = []

    /// Nothing yet.
    package init() {}

    /// Adds a part.
    package func write(_ buffer: ByteBuffer) async throws { bytes += buffer.readableBytesView }

    /// Does nothing: there is no end to keep.
    package func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
