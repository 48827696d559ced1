import Delivery
import HTTPSMSWebhooks
import Storage
import Wire

extension WebhookOperations {
    /// What a webhook of this shape would send of the newest event of `type` that the account has had, or else of a sample.
    /// Nothing is stored or sent.
    ///
    /// - Throws: ``Refusal`` `.invalid` when there is no such format, or a template cannot be used.
    package func preview(_ update: PayloadUpdate, of type: EventType, userID: UserID) async throws -> PayloadPreview {
        let message = "validation errors while making the preview"
        var errors = FieldErrors()
        let format = update.format(over: nil, types: [type], &errors)
        try errors.check(message)
        var filter = EventLog.Filter()
        filter.types = [type.rawValue]
        let newest = try await store.read(.user(userID)) { [filter] tx in
            try EventLog.page(userID: userID, after: nil, filter, limit: 1, in: tx).events.first
        }
        let event = newest?.body ?? type.declaration.sample.encoded()
        do {
            let payload = try PayloadRenderer(format).payload(of: event)
            return PayloadPreview(payload: payload, event: event, isSample: newest == nil)
        } catch {
            errors.add("payload_format", "The newest event cannot be put into this format: \(error)")
            try errors.check(message)
            throw error
        }
    }
}
