/// Who may share a connection.
///
/// The host is part of it although the caller's key changes with the endpoint's URL: a TLS connection that was verified
/// for one name must not carry a request for another, whoever forgets to change a key.
struct PoolKey: Hashable, Sendable {
    let poolKey: String
    let host: String
    let port: Int
    let isTLS: Bool

    init(_ request: WebhookRequest) {
        poolKey = request.poolKey
        host = request.url.host
        port = request.url.port
        isTLS = request.url.isTLS
    }
}
