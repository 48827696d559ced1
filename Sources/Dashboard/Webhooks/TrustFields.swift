import Delivery
import Gateway
import Wire

/// The fields of a webhook's form that say whose certificate its receiver has, and which one it is shown.
struct TrustFields: Sendable {
    private var authorities = ""
    private var certificate = ""
    /// Never shown again; an empty one keeps the key that there is.
    private var key = ""

    /// What the page shows of them.
    struct Content: Sendable {
        let authorities: String
        let certificate: String
        let isOpen: Bool
        let authorityProblems: [String]
        let certificateProblems: [String]
    }

    init() {}

    init(_ trust: EndpointTrust) {
        authorities = trust.authorities ?? ""
        certificate = trust.certificate ?? ""
    }

    init(_ form: PageForm) {
        authorities = form.secret("ca_certificate").replacingBytes("\r\n", with: "\n")
        certificate = form.secret("client_certificate").replacingBytes("\r\n", with: "\n")
        key = form.secret("client_key").replacingBytes("\r\n", with: "\n")
    }

    /// What they ask for.
    var update: TrustUpdate {
        TrustUpdate(
            authorities: .value(authorities), certificate: .value(certificate),
            key: key.trimmed.isEmpty ? .absent : .value(key))
    }

    func content(problems: [String: [String]]) -> Content {
        let ofAuthorities = problems["ca_certificate"] ?? []
        let ofCertificate = (problems["client_certificate"] ?? []) + (problems["client_key"] ?? [])
        return Content(
            authorities: authorities, certificate: certificate,
            isOpen: !(authorities + certificate).isEmpty || !(ofAuthorities + ofCertificate).isEmpty,
            authorityProblems: ofAuthorities, certificateProblems: ofCertificate)
    }
}
