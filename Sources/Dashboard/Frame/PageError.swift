import Gateway
import HTTPTypes
import Hummingbird

/// A request for a page that cannot be answered; shown as a page of its own.
struct PageError: Error {
    /// The HTTP status.
    let status: HTTPResponse.Status
    /// What is wrong and what to do, in a sentence or two.
    let message: String

    init(_ status: HTTPResponse.Status, _ message: String) {
        self.status = status
        self.message = message
    }

    /// 404: no such thing, or not this user's.
    static let notFound = PageError(
        .notFound, "There is nothing at this address. It may have been deleted, or belong to another account.")

    /// 405: only a form is sent there.
    static let formsOnly = PageError(
        .methodNotAllowed,
        "There is no page at this address: only forms are sent here. Go back and use the button again.")

    /// 403: the form does not come from this page.
    static let foreignForm = PageError(
        .forbidden,
        "This form was not sent from a page of this server, or it is too old. Go back, load the page again and try again."
    )
}

extension ServerSite {
    /// Refuses names that are not ours; see `isOwnName`.
    ///
    /// - Throws: `PageError` 421.
    func checkHost(_ request: Request) throws(PageError) {
        if isOwnName(request) { return }
        throw PageError(
            .misdirectedRequest,
            "The dashboard does not answer to the name of this address. Set APP_URL to the URL that people open, or "
                + "open it by its IP address.")
    }
}
