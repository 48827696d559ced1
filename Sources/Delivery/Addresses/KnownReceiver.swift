/// A service whose answers mean something of their own, told by the host of the callback URL.
package enum KnownReceiver: Sendable, Hashable {
    /// Google Apps Script. A web app runs `doPost`, then answers with 302 to an address at which its output can be
    /// fetched once, by GET: the event has been processed by then
    /// (developers.google.com/apps-script/guides/content, "Redirects").
    case appsScript
    /// Power Automate and Azure Logic Apps: their URL carries a signature (`sig`), and a request with an `Authorization`
    /// header besides is refused.
    case powerAutomate

    /// - Parameter host: As ``CallbackURL/host`` has it, in lower case; nil when nothing is known of it.
    package init?(host: String) {
        switch host {
        case "script.google.com": self = .appsScript
        case _ where host.hasSuffix(".logic.azure.com") || host.hasSuffix(".powerplatform.com"): self = .powerAutomate
        default: return nil
        }
    }

    /// Whether `status` from it says that the event was processed, although it is no 2xx.
    package func isProcessed(_ status: Int) -> Bool {
        self == .appsScript && (status == 302 || status == 303)
    }
}
