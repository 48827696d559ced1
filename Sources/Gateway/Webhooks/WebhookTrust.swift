import Delivery
import Secrets
import Wire

/// What a body says of the certificates of a webhook, in PEM; null is as the server has it.
package struct TrustUpdate: Decodable, Sendable {
    /// The authorities whose certificates are taken of the receiver, in place of those that the server trusts.
    var authorities: Patch<String> = .absent
    /// What receivers are shown that ask for a certificate; null ends it, and the key with it.
    var certificate: Patch<String> = .absent
    /// Its private key; absent or null keeps the one that there is.
    var key: Patch<String> = .absent

    /// Its members of the body of a webhook.
    enum Member: String, CodingKey {
        case caCertificate, clientCertificate, clientKey
    }

    /// Reads the members that are its own.
    package init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Member.self)
        authorities = try members.patch(forKey: .caCertificate)
        certificate = try members.patch(forKey: .clientCertificate)
        key = try members.patch(forKey: .clientKey)
    }

    /// Says what becomes of each; what is left out stays.
    package init(
        authorities: Patch<String> = .absent, certificate: Patch<String> = .absent, key: Patch<String> = .absent
    ) {
        (self.authorities, self.certificate, self.key) = (authorities, certificate, key)
    }

    /// What `current` becomes.
    func trust(over current: EndpointTrust, _ errors: inout FieldErrors) -> EndpointTrust {
        var trust = EndpointTrust()
        trust.authorities = Self.text(authorities.applied(to: current.authorities))
        trust.certificate = Self.text(certificate.applied(to: current.certificate))
        let given = Self.text(key.value).map { Secret($0) }
        trust.key = given ?? (trust.certificate == nil ? nil : current.key)
        for (field, text) in [
            ("ca_certificate", trust.authorities), ("client_certificate", trust.certificate),
            ("client_key", trust.key?.exposed),
        ] { errors.requireBytes(field, text ?? "", max: EndpointTrust.maximum.bytes) }
        guard errors.isEmpty, trust != current else { return trust }
        do throws(EndpointTrust.Fault) {
            try trust.check()
        } catch {
            let field =
                switch error.part {
                case .authorities: "ca_certificate"
                case .certificate: "client_certificate"
                case .key: "client_key"
                }
            errors.add(field, "The \(field) field cannot be used: \(error.reason)")
        }
        return trust
    }

    /// Whether what is stored of the private key is no longer meant.
    func setsKey(_ trust: EndpointTrust) -> Bool { Self.text(key.value) != nil || trust.certificate == nil }

    private static func text(_ text: String?) -> String? {
        let text = (text ?? "").trimmed
        return text.isEmpty ? nil : text + "\n"
    }
}
