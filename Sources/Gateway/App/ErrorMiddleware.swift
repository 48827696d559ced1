import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1
import Storage
import Timestamps
import Wire

/// Turns every error into httpSMS's answer, and logs the unexpected ones once, with the request's id.
///
/// A store that cannot write is 503, so that phones and clients come back; whatever else we did not foresee is 500.
struct ErrorMiddleware: RouterMiddleware {
    typealias Context = APIContext

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let refusal as Refusal {
            return refusal.answer.response
        } catch is NIOTooManyBytesError {
            return Answer(.payloadTooLarge, message: "The request body is larger than this route takes.").response
        } catch let busy as ServerBusy {
            return busy.response
        } catch is CancellationError {
            // The client has gone away, or the server is shutting down: whoever still listens may ask again.
            return ServerBusy(message: "The request was given up.").response
        } catch StorageError.tooMany(let reason) {
            return ServerBusy(message: reason).response
        } catch StorageError.unavailable(let reason) {
            context.logger.error("request refused", metadata: ["reason": "\(reason)", "client": "\(context.client)"])
            let message = "The server cannot store anything at the moment: \(reason)"
            var response = Answer(.storeUnavailable, message: message).response
            response.headers[.retryAfter] = "5"
            return response
        } catch let error as HTTPError where error.status == .notFound {
            return Answer(.unknownPath, message: "There is nothing at \(request.method) \(request.uri.path)").response
        } catch let error as HTTPError {
            let message = error.body ?? error.status.reasonPhrase
            return Answer(ErrorCode(error.status), message: message, status: error.status).response
        } catch  where error is HTTPParserError || error is IOError {
            // Only reading the body throws these: the client sent what is not HTTP, or left in the middle of it.
            context.logger.debug("request broke off", metadata: ["error": "\(error)", "client": "\(context.client)"])
            return Answer(.malformedRequest, message: "The request broke off or is not HTTP.").response
        } catch {
            context.logger.error("request failed", metadata: ["error": "\(error)", "client": "\(context.client)"])
            let message = "We ran into an internal error while handling the request."
            return Answer(.internalError, message: message).response
        }
    }
}

/// One line for each request once it is answered: client, method, route, status, milliseconds.
///
/// The route's pattern stands for the path, and the query is left out: the path of an attachment lets anybody fetch it, in
/// any case and encoding, and a mistyped path may hold as much. `X-Request-Id` tells requests apart.
struct AccessLogMiddleware: RouterMiddleware {
    typealias Context = APIContext

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        var response = try await next(request, context)
        response.headers[.requestID] = context.id
        context.logger.debug(
            "request",
            metadata: [
                "client": "\(context.client)", "method": "\(request.method)",
                "route": "\(context.endpointPath ?? "none")",
                "status": "\(response.status.code)",
                "duration_ms": "\(start.duration(to: .now).microseconds / 1_000)",
            ])
        return response
    }
}
