import Delivery
import Gateway
import Storage

/// What leads from a new account to the first SMS, and how far somebody is.
struct FirstSteps: Sendable {
    let steps: [Step]
    let done: Int
    let total: Int

    struct Step: Sendable {
        let name: String
        let isDone: Bool
        /// What is missing.
        let text: String
        /// Where it is done.
        let path: String
        let link: String
    }

    /// What is known of an account.
    struct Facts: Sendable {
        var phones: Int64
        var webhooks: Int64
        /// Whether a phone was ever heard.
        var isHeard: Bool
        /// Whether an SMS was ever sent or received.
        var hasSMS: Bool
    }

    /// Nil when all is done; the certificate may be left out where a phone was heard without one.
    ///
    /// - Parameters:
    ///   - facts: What is known of the account.
    ///   - isServedOverTLS: Whether phones reach the server by `https:`.
    init?(_ facts: Facts, isServedOverTLS: Bool) {
        // An SMS is a sign of life, too.
        let isHeard = facts.isHeard || facts.hasSMS
        let heard = "The phone was added, but the server has not heard from it yet. Finish its set-up."
        steps = [
            Step(name: "Make an account", isDone: true, text: "", path: "/account", link: ""),
            Step(
                name: "Give the server an address with a certificate",
                isDone: isServedOverTLS,
                text: isHeard
                    ? "Your phone was heard without it; phones outside of your network reach it by https:// only."
                    : "Phones outside of your network reach it by https:// only.",
                path: "/docs/https", link: "How to do it"),
            Step(
                name: "Connect a phone", isDone: isHeard,
                text: facts.phones > 0
                    ? heard : "Any Android phone with a SIM card sends and receives for you. It takes five minutes.",
                path: "/phones/new", link: "Connect a phone"),
            Step(
                name: "Create a webhook", isDone: facts.webhooks > 0,
                text: "It tells your own service of every SMS and call. Then send it a test event.",
                path: "/settings/webhooks/new", link: "Create a webhook"),
            Step(
                name: "Send the first SMS", isDone: facts.hasSMS, text: "To your own number, for example.",
                path: "/messages/new", link: "Write an SMS"),
        ]
        (done, total) = (steps.count { $0.isDone }, steps.count)
        if facts.webhooks > 0, facts.hasSMS { return nil }
    }
}
