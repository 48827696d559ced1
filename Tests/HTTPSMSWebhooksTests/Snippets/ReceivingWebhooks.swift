import HTTPSMSWebhooks

/// The ids of what was handled.
actor HandledIDs {
    private var ids: Set<String> = []

    /// Whether the id is new.
    func insert(_ id: String) -> Bool { ids.insert(id).inserted }
}

/// The receiver of `ReceivingWebhooks.md`.
struct Receiver {
    let verifier: WebhookVerifier
    let handled = HandledIDs()
    let work: AsyncStream<CloudEvent>.Continuation

    // snippet.begin
    func receive(body: [UInt8], header: (String) -> String?) async -> Int {
        let event: CloudEvent
        do {
            event = try await verifier.event(body: body, header: header)
        } catch is WebhookVerificationError {
            return 401
        } catch {
            return 400
        }
        // An event may come more than once. A real receiver keeps the ids in its database.
        guard await handled.insert(event.id) else { return 200 }
        work.yield(event)  // Answer at once, work afterwards.
        return 200
    }
    // snippet.end
}

/// The verifier of `ReceivingWebhooks.md` while a key is rotated.
func rotatingVerifier(newKey: String, oldKey: String, url: String) -> WebhookVerifier {
    // snippet.begin
    let verifier = WebhookVerifier(signingKeys: [newKey, oldKey], audience: url)
    // snippet.end
    return verifier
}
