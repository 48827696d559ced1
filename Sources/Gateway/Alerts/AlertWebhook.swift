import Delivery
import JSON

/// A webhook that is told of alerts.
package struct AlertWebhook: Sendable {
    /// The webhook, and how it does.
    package let report: EndpointReport
    /// What it is told of.
    package let causes: AlertCauses
}

extension AlertWebhook: JSONWritable {
    /// In the shape of a webhook, with causes for its events.
    package func write(to json: inout JSONWriter) { report.write(to: &json, events: causes.names) }
}
