import Delivery
import JSON

/// A webhook that is told of alerts.
struct AlertWebhook: Sendable {
    let report: EndpointReport
    let causes: AlertCauses
}

extension AlertWebhook: JSONWritable {
    /// In the shape of a webhook, with causes for its events.
    func write(to json: inout JSONWriter) { report.write(to: &json, events: causes.names) }
}
