import HTTPSMSWebhooks

/// Makes the requests of one format: a pure function of the stored event and the id of the delivery, without a clock or chance.
///
///     let payload = try PayloadRenderer(endpoint.payloadFormat).payload(of: event.body)
package struct PayloadRenderer: Sendable {
    private enum Kind {
        case preset(PayloadFormat.Preset)
        case template(CompiledTemplate)
    }

    private let kind: Kind

    /// 256 KiB: four times the longest template, and far more than any event.
    package static let maximumBytes = 256 * 1_024

    /// Makes the renderer of `format`, which reads a template once.
    ///
    /// - Throws: `template` when it is not one.
    package init(_ format: PayloadFormat) throws(PayloadFault) {
        switch format {
        case .preset(let preset): kind = .preset(preset)
        case .template(let template): kind = .template(try CompiledTemplate(template))
        }
    }

    /// The request for the stored event `body`.
    ///
    /// - Parameters:
    ///   - body: The event.
    ///   - delivery: The id of the delivery, the same on every attempt; nil for what is only shown.
    /// - Returns: The request as far as the format decides it.
    /// - Throws: `event` when the event cannot be read, `tooLarge` when a template makes too much of it.
    package func payload(of body: [UInt8], delivery: String? = nil) throws(PayloadFault) -> RenderedPayload {
        // What webhooks without a format of their own get costs nothing.
        if case .preset(.cloudEvents) = kind { return RenderedPayload(contentType: "application/json", bytes: body) }
        let event: CloudEvent
        do {
            event = try CloudEvent(decoding: body)
        } catch {
            throw .event("\(error)")
        }
        switch kind {
        case .preset(let preset): return try preset.payload(of: event, body: body, delivery: delivery)
        case .template(let template): return try template.payload(of: event, body: body)
        }
    }
}
