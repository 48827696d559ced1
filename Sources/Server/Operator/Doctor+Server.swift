import Foundation
import Gateway
import NIOCore
import Storage
import Wire

extension Commands {
    /// Asks the server that this configuration starts, where it listens and at APP_URL. Says nothing where it listens at a port
    /// that only it knows, or where it asks for the certificate of another name.
    static func server(_ configuration: GatewayConfiguration) async -> [Finding] {
        guard configuration.port != 0, configuration.tls == nil else { return await address(configuration) }
        let url = ListeningAddress.url("http", configuration.host, configuration.port)
        let (asked, patience) = (ContinuousClock.now, Duration.seconds(5))
        do {
            let (status, body) = try await OutgoingHTTP.shared.get(url + "/health/ready", within: patience)
            switch status {
            case 200:
                return [.fine("server", "it answers at \(url), and can work")] + (await address(configuration))
            case 503:
                return [.problem("server", "it answers at \(url), and cannot work: \(body.firstScalars(500))")]
            default:
                return [.problem("server", "at \(url) something else answers, with status \(status)")]
            }
        } catch  where ContinuousClock.now - asked >= patience {
            return [.problem("server", "at \(url) something listens and does not answer within 5 s")]
        } catch {
            return [.fine("server", "none answers at \(url): it is not running, or starts just now")]
        }
    }

    /// Whether APP_URL leads to a server like this; nothing without it. The server's own name may not be reachable from its own
    /// network, so that is a warning.
    private static func address(_ configuration: GatewayConfiguration) async -> [Finding] {
        guard let appURL = configuration.appURL else { return [] }
        let base = appURL.hasSuffix("/") ? String(appURL.dropLast()) : appURL
        do {
            let (status, body) = try await OutgoingHTTP.shared.get(base + "/health", within: .seconds(10))
            guard status == 200, body.trimmed == "OK" else {
                return [
                    .problem(
                        "APP_URL", "\(base)/health is answered \(status), not as by this server: look at the proxy")
                ]
            }
            return [.fine("APP_URL", "\(base) leads to a server")]
        } catch {
            return [
                .warning(
                    "APP_URL",
                    """
                    \(base) cannot be reached from this machine (\(error)). If it can from elsewhere, all is well: \
                    httpsms doctor --phone \(base) looks from there
                    """)
            ]
        }
    }

    /// How much room there is where the server stores.
    static func disk(_ configuration: GatewayConfiguration) -> [Finding] {
        guard let folder = configuration.storageFolder, let free = FreeSpace.bytes(in: folder) else { return [] }
        let text = "\(free / 1_048_576) MiB are free in \(folder)"
        return [free < 1_073_741_824 ? .warning("disk", text + ": make room, or move the store") : .fine("disk", text)]
    }
}
