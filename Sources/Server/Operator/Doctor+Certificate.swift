import Foundation
import Timestamps

extension Commands {
    /// Looks at the pair of TLS_CERTIFICATE and TLS_KEY; says nothing when neither is set.
    static func certificate(_ configuration: GatewayConfiguration) -> [Finding] {
        guard let files = configuration.tls else { return [] }
        let subject = "certificate"
        do {
            let certificate = try files.load()
            // A file whose attributes cannot be read is reported as one that others may read.
            let target = URL(fileURLWithPath: files.key).resolvingSymlinksInPath().path
            let mode =
                (try? FileManager.default.attributesOfItem(atPath: target))?[.posixPermissions] as? Int ?? 0o777
            let exposed: [Finding] =
                mode & 0o007 == 0
                ? [] : [.problem(subject, "anybody may read \(files.key): run chmod o= \(target)")]
            return [dates(of: certificate, in: files, at: SystemClock().now())] + exposed
        } catch {
            return [.problem(subject, "\(error)")]
        }
    }

    private static func dates(of certificate: ServerCertificate, in files: CertificateFiles, at now: Timestamp)
        -> Finding
    {
        let subject = "certificate"
        let renew = "renew it; the server takes the new files by itself"
        switch certificate.validity(at: now) {
        case .valid:
            return .fine(subject, "\(files.certificate) fits its key and is valid until \(certificate.validUntil)")
        case .endsSoon(let days):
            return .warning(
                subject,
                "\(files.certificate) is valid until \(certificate.validUntil), for \(days) more full days: \(renew)")
        case .expired:
            return .problem(subject, "\(files.certificate) has expired at \(certificate.validUntil): \(renew)")
        case .notYet:
            return .problem(
                subject, "\(files.certificate) is valid only from \(certificate.validFrom) on: check the system time")
        }
    }
}
