/// Sends one webhook request and reports what became of it.
///
/// A seam, so that tests of the engine can answer without sockets; ``HTTPSender`` is the real one.
package protocol WebhookSender: Sendable {
    /// Makes one attempt; never throws, since every outcome is recorded.
    ///
    /// Cancelling the task ends the attempt at once with ``AttemptFailure/Code/cancelled``, unless a status line was
    /// already read, which then stands. ``AttemptResult/isWritten`` says whether the receiver may have read the request.
    ///
    /// - Parameters:
    ///   - request: what is posted.
    ///   - limit: the time for the whole attempt, from the lookup of the name to the last byte.
    /// - Returns: the outcome, its timings and the beginning of the response.
    func send(_ request: WebhookRequest, within limit: Duration) async -> AttemptResult

    /// What is known of the host of a callback URL: if nothing, an attempt would begin with a lookup.
    func knowledge(of url: CallbackURL) -> NameKnowledge

    /// Looks the host of a callback URL up, so that an attempt need not; returns after 5 s at most, early when the task is
    /// cancelled or there is no place for a lookup now.
    func prepare(for url: CallbackURL, _ caller: LookupCaller) async
}

extension WebhookSender {
    /// A sender that looks nothing up needs to know nothing.
    package func knowledge(of url: CallbackURL) -> NameKnowledge { .addresses }

    /// A sender that looks nothing up has nothing to prepare.
    package func prepare(for url: CallbackURL, _ caller: LookupCaller) async {}
}

/// One request to a callback URL, or to a server that the operator names; a `POST` unless it says otherwise.
///
///     WebhookRequest(poolKey: "\(endpoint.id).\(endpoint.version)", url: url, headers: headers, body: bytes)
package struct WebhookRequest: Sendable {
    /// Who may share a connection: changes whenever the endpoint changes.
    package var poolKey: String

    /// Where to.
    package var url: CallbackURL

    /// Header fields in the order in which they are written. `Host`, `Content-Length` and all that frames or routes a
    /// message belong to the sender and are refused here.
    package var headers: [(name: String, value: String)]

    /// The body, sent as it is with a `Content-Length`.
    package var body: [UInt8]

    /// How it is sent.
    package var method: WebhookMethod

    /// What is added to the path of the URL, before its query: letters, digits and `-`; nil for nothing.
    package var pathSuffix: String?

    /// Whether it may reach public addresses only, whatever other networks the operator allows.
    package var isPublicOnly: Bool

    /// Whose certificates are taken, and which one is shown.
    package var trust = EndpointTrust.system

    /// Whose share of the lookups it takes, if its name must be looked up.
    package var caller: LookupCaller

    /// Where among many addresses of the host the attempt begins.
    package var turn: DialOrder.Turn

    /// Path and query, with what is added.
    var target: String {
        guard let pathSuffix else { return url.target }
        let path = url.target.prefix { $0 != "?" }
        return "\(path)\(path.hasSuffix("/") ? "" : "/")\(pathSuffix)\(url.target[path.endIndex...])"
    }

    /// Makes a request.
    package init(
        poolKey: String, url: CallbackURL, headers: [(name: String, value: String)], body: [UInt8],
        method: WebhookMethod = .post, pathSuffix: String? = nil, isPublicOnly: Bool = false,
        caller: LookupCaller = .delivery(account: "", endpoint: ""),
        turn: DialOrder.Turn = .init()
    ) {
        self.method = method
        self.pathSuffix = pathSuffix
        self.caller = caller
        self.turn = turn
        self.isPublicOnly = isPublicOnly
        self.poolKey = poolKey
        self.url = url
        self.headers = headers
        self.body = body
    }
}
