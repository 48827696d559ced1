import Delivery
import Gateway
import Timestamps

extension Commands {
    /// Asks Firebase whether pushes of this server go out; says nothing where none are set up.
    static func firebase(_ configuration: GatewayConfiguration) async -> [Finding] {
        guard let push = configuration.settings.push else { return [] }
        let subject = "firebase"
        do {
            let resolver = try SystemResolver()
            defer { resolver.shutdown() }
            let sender = try HTTPSender(resolver: resolver, policy: .operators, roots: configuration.trust)
            let trouble = await push.trouble(askedBy: sender, clock: SystemClock())
            await sender.shutdown()
            guard let trouble else { return [.fine(subject, "it takes pushes of this server")] }
            return [
                .problem(
                    subject,
                    """
                    no push goes out (\(trouble)): look at FIREBASE_CREDENTIALS, whether the project has the Firebase Cloud \
                    Messaging API enabled, and whether this machine reaches the internet
                    """)
            ]
        } catch {
            return [.problem(subject, "\(error)")]
        }
    }
}
