import Hummingbird
import NIOCore

/// Notes every report of a phone that is refused for good. It stands behind the identity and inside of the errors.
struct PhoneReportMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let refusals: PhoneReportRefusals

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            if let route = PhoneReportRefusals.Route(request.method, path: context.endpointPath),
                let (reason, detail) = Self.refusal(error)
            {
                refusals.note(
                    route, reason, phone: Self.phone(context.identity), detail: detail, logger: context.logger)
            }
            throw error
        }
    }

    /// Why the phone is answered with a 4xx; nil when it is not.
    private static func refusal(_ error: any Error) -> (PhoneReportRefusals.Reason, detail: String)? {
        if error is NIOTooManyBytesError { return (.tooLarge, "the body is larger than the route takes") }
        guard let refusal = error as? Refusal, refusal.status.kind == .clientError else { return nil }
        switch refusal.kind {
        case .unauthenticated: return (.wrongKey, "the key is missing or unknown")
        case .foreignNumber: return (.foreignNumber, "the number is not one of the key's")
        case .absent: return (.notFound, "there is no such message")
        case .malformed, .unreadable: return (.notJSON, refusal.reason ?? refusal.message)
        default:
            let problems = refusal.problems.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value[0])" }
            return (.invalid, problems.joined(separator: "; "))
        }
    }

    /// The key and the last digits of its numbers.
    private static func phone(_ identity: Identity?) -> String {
        switch identity {
        case nil: "unknown"
        case .user(let id): "user \(id)"
        case .key(_, let grant): "access key \(grant.id)"
        case .phone(_, let key, let numbers):
            "key \(key)" + numbers.sorted().prefix(3).map { " ...\($0.suffix(4))" }.joined()
        }
    }
}
