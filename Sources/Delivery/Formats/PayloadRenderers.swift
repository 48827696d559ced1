import Synchronization

/// The renderers of templates, each read once for a version of its webhook instead of at every attempt.
///
/// Holds 128, which are some 20 MiB of the longest templates; when it is full it starts afresh.
final class PayloadRenderers: Sendable {
    private struct Entry {
        let version: Int64
        let renderer: PayloadRenderer
    }

    private static let limit = 128

    private let known = Mutex<[EndpointID: Entry]>([:])

    /// The request of the stored event `body` for `endpoint`.
    ///
    /// - Throws: ``PayloadFault``, which is not remembered.
    func payload(of body: [UInt8], for endpoint: Endpoint) throws(PayloadFault) -> RenderedPayload {
        guard case .template = endpoint.payloadFormat else {
            return try PayloadRenderer(endpoint.payloadFormat).payload(of: body)
        }
        if let entry = known.withLock({ $0[endpoint.id] }), entry.version == endpoint.version {
            return try entry.renderer.payload(of: body)
        }
        let renderer = try PayloadRenderer(endpoint.payloadFormat)
        known.withLock { known in
            if known.count >= Self.limit { known = [:] }
            known[endpoint.id] = Entry(version: endpoint.version, renderer: renderer)
        }
        return try renderer.payload(of: body)
    }
}
