import HTTPTypes

/// What went wrong, for programs: the member `code` of every error of the API.
///
/// Sentences may be reworded, codes stay: a program matches `code`, and a person reads `message`. This is the one table of them;
/// `openapi.json` and `docs/errors.md` are held against it by a test.
enum ErrorCode: String, Sendable, CaseIterable {
    case malformedRequest = "malformed_request"
    case unauthorized
    case numberNotAllowed = "number_not_allowed"
    case quotaReached = "quota_reached"
    case insufficientScope = "insufficient_scope"
    case forbidden
    case notFound = "not_found"
    case unknownPath = "unknown_path"
    case methodNotAllowed = "method_not_allowed"
    case conflict
    case payloadTooLarge = "payload_too_large"
    case unsupportedEncoding = "unsupported_encoding"
    case validationFailed = "validation_failed"
    case tooManyRequests = "too_many_requests"
    case internalError = "internal_error"
    case notOffered = "not_offered"
    case serverBusy = "server_busy"
    case storeUnavailable = "store_unavailable"
    case notReady = "not_ready"
    case loopDetected = "loop_detected"

    /// The status that every answer with this code has.
    var status: HTTPResponse.Status {
        switch self {
        case .malformedRequest: .badRequest
        case .unauthorized, .numberNotAllowed: .unauthorized
        case .quotaReached: HTTPResponse.Status(code: 402, reasonPhrase: "Payment Required")
        case .insufficientScope, .forbidden: .forbidden
        case .notFound, .unknownPath: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .conflict: .conflict
        case .payloadTooLarge: .contentTooLarge
        case .unsupportedEncoding: .unsupportedMediaType
        case .validationFailed: .unprocessableContent
        case .tooManyRequests: .tooManyRequests
        case .internalError: .internalServerError
        case .notOffered: .notImplemented
        case .serverBusy, .storeUnavailable, .notReady: .serviceUnavailable
        case .loopDetected: HTTPResponse.Status(code: 508, reasonPhrase: "Loop Detected")
        }
    }

    /// The code for a status that something below the API answered, such as the HTTP server.
    init(_ status: HTTPResponse.Status) {
        switch status {
        case .unauthorized: self = .unauthorized
        case .forbidden: self = .forbidden
        case .notFound: self = .unknownPath
        case .contentTooLarge: self = .payloadTooLarge
        case .serviceUnavailable: self = .serverBusy
        default: self = status.kind == .clientError ? .malformedRequest : .internalError
        }
    }

    /// When it is answered, in words for whoever wrote the request.
    private var meaning: (when: String, advice: String) {
        switch self {
        case .malformedRequest:
            (
                "The body or the query cannot be read: no JSON, another `Content-Type` than `application/json`, a wrong "
                    + "type. `message` or `data` says where.", "Correct the request."
            )
        case .unauthorized:
            ("No key, an unknown key, or a phone's key where the user's is needed.", "Send the key in `x-api-key`.")
        case .numberNotAllowed:
            ("A phone's key acts for a number that it is not bound to.", "Use the key of that phone, or the account's.")
        case .quotaReached:
            (
                "One thing too many: the owner's account has 10 webhooks, as in httpSMS, an account has 100 forwarders, "
                    + "100 access keys or 10,000 contacts, or an invited account has used up a [quota](operations.md#quotas).",
                "Delete one, or list more phones and events in one webhook."
            )
        case .insufficientScope:
            (
                "An access key whose scopes do not cover the route. `data` names the scope that does.",
                "Use a key with that scope, or the account's own."
            )
        case .forbidden:
            (
                "`/metrics` without its token, or from another machine when there is no token.",
                "Send `METRICS_TOKEN` as the bearer token."
            )
        case .notFound:
            ("There is no such thing in this account. Other accounts' ids are not found either.", "Check the id.")
        case .unknownPath:
            ("There is nothing at this path for anybody.", "Check the path; the API's paths begin with `/v1`.")
        case .methodNotAllowed:
            ("The path is right and the method is not. `Allow` lists those it has.", "Use one of them.")
        case .conflict:
            (
                "An `Idempotency-Key` was used for another request before, or its first request is still under way. Or a "
                    + "phone key asked for a [number that another key has](security.md#who-may-do-what); a message is not "
                    + "planned any more; a delivery's webhook was deleted.",
                "Use a new key, or ask again in a second. Otherwise see `message`."
            )
        case .payloadTooLarge:
            ("The body is larger than the route takes.", "Send less.")
        case .unsupportedEncoding:
            ("A body is compressed.", "Send it without `Content-Encoding`.")
        case .validationFailed:
            ("A field breaks a rule. `data` has the messages by field.", "Correct those fields.")
        case .tooManyRequests:
            (
                "More than ten event streams of one account, an invited account's messages of the day are used up, or too "
                    + "many wrong pairing codes or passwords.", "Close a stream, or wait."
            )
        case .internalError:
            ("Internal error.", "Search the server's log for the `X-Request-Id` of the answer, and report it.")
        case .notOffered:
            ("This server does not do that.", "Do without.")
        case .serverBusy:
            (
                "The server reads too many large requests or files at the moment, of this account or of all. "
                    + "`Retry-After` says when to ask again.", "Ask again. Phones do so by themselves."
            )
        case .storeUnavailable:
            (
                "The store cannot be written: no disk space, or PostgreSQL is away. `Retry-After` says when to ask again.",
                "Ask again. Phones do so by themselves."
            )
        case .notReady:
            ("`/health/ready` only: the server cannot do its work. `data` says why.", "See to the reasons.")
        case .loopDetected:
            ("A webhook led back to this server.", "Correct its callback URL.")
        }
    }

    /// The table as the documentation shows it.
    static let markdown =
        "| status | `code` | when | what to do |\n|---|---|---|---|\n"
        + allCases.map { code in
            "| \(code.status.code) | `\(code.rawValue)` | \(code.meaning.when) | \(code.meaning.advice) |\n"
        }.joined()
}
