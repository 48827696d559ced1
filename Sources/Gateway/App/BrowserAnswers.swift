import HTTPTypes
import Hummingbird

extension Response {
    /// A file that the browser keeps instead of showing it.
    ///
    /// - Parameters:
    ///   - name: What it is called there; plain ASCII without quotes.
    ///   - type: Its media type.
    ///   - status: What came of the request.
    ///   - body: What is in it.
    /// - Returns: The answer.
    package static func file(
        _ name: String, type: String = "text/csv; charset=utf-8", status: HTTPResponse.Status = .ok,
        _ body: ResponseBody
    ) -> Response {
        Response(
            status: status,
            headers: [.contentType: type, .contentDisposition: "attachment; filename=\"\(name)\""], body: body)
    }

    /// Sends the browser on with a GET.
    ///
    /// - Parameter path: Where to.
    /// - Returns: 303.
    package static func seeOther(_ path: String) -> Response {
        Response(status: .seeOther, headers: [.location: path])
    }
}
