/// The renderers of templates, each read once for a version of its webhook instead of at every attempt.
struct PayloadRenderers: Sendable {
    private struct Template: Hashable, Sendable {
        let endpoint: EndpointID
        let version: Int64
    }

    /// Some 16 MiB of the longest templates.
    private let known = Remembered<Template, PayloadRenderer>(limit: 128)

    /// The request of `delivery`, which brings the stored event `body` to `endpoint`.
    ///
    /// - Throws: ``PayloadFault``, which is not remembered.
    func payload(of body: [UInt8], delivery: String, for endpoint: Endpoint) throws(PayloadFault) -> RenderedPayload {
        guard case .template = endpoint.payloadFormat else {
            return try PayloadRenderer(endpoint.payloadFormat).payload(of: body, delivery: delivery)
        }
        let template = Template(endpoint: endpoint.id, version: endpoint.version)
        let renderer = try known.value(of: template) { () throws(PayloadFault) in
            try PayloadRenderer(endpoint.payloadFormat)
        }
        return try renderer.payload(of: body, delivery: delivery)
    }
}
