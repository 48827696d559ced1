import JSON

/// The certificates of a webhook, in PEM; nil leaves one as it is, an empty text is none.
package struct WebhookTrust: Sendable {
    /// The authorities whose certificates are accepted of the receiver.
    package let authorities: String?
    /// What the receiver is shown.
    package let certificate: String?
    /// Its private key.
    package let key: String?

    /// Names all of it.
    package init(authorities: String? = nil, certificate: String? = nil, key: String? = nil) {
        self.authorities = authorities
        self.certificate = certificate
        self.key = key
    }

    var isEmpty: Bool { authorities == nil && certificate == nil && key == nil }

    func write(to object: inout JSONObjectWriter) {
        if let authorities { object.field("ca_certificate", authorities) }
        if let certificate { object.field("client_certificate", certificate) }
        if let key { object.field("client_key", key) }
    }
}
