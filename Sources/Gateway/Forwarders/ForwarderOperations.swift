import Delivery
import Foundation
import Secrets
import Storage
import Timestamps

/// What can be done with forwarders, and what their apps do.
package struct ForwarderOperations: Sendable {
    let store: any Store
    let queries: ForwarderQueries
    let inbound: InboundOperations
    /// What tells the time.
    package let clock: any WallClock

    /// The forwarders of `userID`, newest first.
    package func list(userID: UserID) async throws -> [SMSForwarder] {
        try await store.read(.user(userID)) { [queries] tx in try queries.list(userID: userID, in: tx) }
    }

    /// A forwarder with its last requests, newest first; nil when `userID` has no such forwarder.
    package func find(
        _ id: ForwarderID, userID: UserID
    ) async throws -> (forwarder: SMSForwarder, requests: [ForwardedRequest])? {
        try await store.read(.user(userID)) { [queries] tx in
            guard let forwarder = try queries.find(id, userID: userID, in: tx) else { return nil }
            return (forwarder, try ForwarderQueries.requests(of: id, in: tx))
        }
    }

    /// Makes a forwarder with a new token.
    ///
    /// - Throws: ``Refusal`` `.invalid` when a rule is broken, `.quota` when the account has
    ///   ``SMSForwarder/maximumCount``.
    package func create(_ body: ForwarderBody, userID: UserID, receipt: Receipt<SMSForwarder>) async throws
        -> SMSForwarder
    {
        let settings = try body.settings()
        let id = ForwarderID(at: clock.now())
        let token = Secret(APIKey.random(prefix: SMSForwarder.tokenPrefix))
        return try await store.write(for: userID) { [queries] tx in
            try receipt.keep(in: tx) {
                guard try ForwarderQueries.count(userID: userID, in: tx) < SMSForwarder.maximumCount else {
                    throw Refusal(
                        .quota,
                        "You can't create more than \(SMSForwarder.maximumCount) forwarders. Delete one that you do not need."
                    )
                }
                let forwarder = SMSForwarder(
                    id: id, userID: userID, name: settings.name, preset: settings.preset, numbers: settings.numbers,
                    template: settings.template, token: token, lastRequestAt: nil, createdAt: tx.now)
                try queries.insert(forwarder, in: tx)
                return forwarder
            }
        }
    }

    /// Deletes a forwarder: its URL is unknown from then on. False when `userID` has no such forwarder.
    package func delete(_ id: ForwarderID, userID: UserID) async throws -> Bool {
        try await store.write(.user(userID)) { tx in try ForwarderQueries.delete(id, userID: userID, in: tx) }
    }

    /// The URL of a hook, given what a trusted proxy says.
    package func url(of forwarder: SMSForwarder, told: String?) -> String {
        "\(inbound.appURL(told))\(SMSForwarder.source)/\(forwarder.token.exposed)"
    }

    /// The forwarder whose token this is, and the time zone of its account; nil when there is none.
    func hook(token: String) async throws -> (forwarder: SMSForwarder, timezone: String)? {
        // Not in the account's lane, whose bound would refuse an SMS.
        try await store.read(.request) { [queries] tx in try queries.find(token: token, in: tx) }
    }

    /// Stores what an app reports.
    ///
    /// - Parameters:
    ///   - sms: As it was read.
    ///   - forwarder: Whose hook was called.
    ///   - origin: Where the request came from.
    /// - Returns: The message that it made or repeated.
    /// - Throws: ``ServerBusy`` when the forwarder has no number that can be read.
    func receive(_ sms: ForwardedSMS, from forwarder: SMSForwarder, origin: RequestOrigin) async throws -> Message {
        guard let (number, odd) = forwarder.number(ofSIM: sms.sim) else {
            throw ServerBusy(message: "No phone number is bound to this forwarder: make another one.")
        }
        var notes = ReportNotes()
        if let odd { notes.add(odd) }
        let contact = notes.contact(sms.contact, owner: number.phoneNumber)
        if sms.content.isEmpty { notes.add("the SMS has no text") }
        notes.look(at: sms.content + contact)
        return try await inbound.receive(
            InboundOperations.SMS(
                owner: number.phoneNumber, contact: contact, content: sms.content, isEncrypted: false,
                sim: number.sim, timestamp: sms.timestamp, attachments: [], notes: notes,
                recognition: sms.recognition),
            userID: forwarder.userID, source: SMSForwarder.source, origin: origin, receipt: .unkept)
    }

    /// Keeps a request for the owner of the hook to look at.
    func record(_ request: ForwardedRequest, of forwarder: SMSForwarder) async throws {
        try await store.write(.user(forwarder.userID)) { tx in
            try ForwarderQueries.record(request, of: forwarder, in: tx)
        }
    }
}
