import Delivery
import Storage
import Timestamps

/// What the server knows of the machine that it runs on.
package struct ServerHealth: Sendable {
    /// Bytes that are free where the store is; nil where that is not known.
    package var freeBytes: Int64?
    /// The same where the files of attachments are; nil where the database keeps them, too.
    package var freeBytesOfFiles: Int64?
    /// Why no files of attachments can be kept; nil when they can.
    package var filesTrouble: String?
    /// Until when the server's certificate is valid; nil without one.
    package var certificateUntil: Timestamp?

    /// Knows nothing yet.
    package init() {}
}

/// Finds what is wrong with an account, by the same figures as the page "Needs attention", and with the server.
struct AlertConditions: Sendable {
    let attention: AttentionQueries
    let clocks: ClockGuard
    /// Asked at each look at the account that owns the server.
    let health: @Sendable () -> ServerHealth

    /// What is wrong with `userID` now; `open` is what was wrong before.
    func all(of userID: UserID, open: Set<AlertCause>, in tx: any Transaction) throws -> [AlertCondition] {
        let found = try attention.attention(of: userID, in: tx)
        var conditions = found.webhooks.compactMap { Self.condition(of: $0.report, at: tx.now) }
        conditions += try found.webhooks.compactMap {
            try Self.givenUp(at: $0, isKnown: open.contains(.deliveryFailed), in: tx)
        }
        conditions += found.phones.compactMap(Self.condition(of:))
        if let since = found.lateSince, tx.now - since > Self.latePatience {
            conditions.append(
                AlertCondition(
                    cause: .queueOld, subject: "", title: "Events wait for webhooks since \(since.rfc3339)",
                    advice: """
                        A receiver takes less than it is sent, or asked the server to wait: the page of the webhook says so. If it \
                        is none, the server is busy or cannot reach the internet: see its log and `httpsms doctor`.
                        """))
        }
        let unsent = try AlertQueries.unsent(of: userID, in: tx)
        // What began with five ends with none, so that it does not come and go.
        if unsent >= (open.contains(.messageFailed) ? 1 : Self.unsentMessages) {
            conditions.append(
                AlertCondition(
                    cause: .messageFailed, subject: "", title: "\(unsent) SMS were not sent within the last hour",
                    advice:
                        "Look at the phone: its battery, its network, its credit. The dashboard tells why each failed.")
            )
        }
        if try FirstRunQueries.isOwner(userID, in: tx) { conditions += ofServer(at: tx.now) }
        return conditions
    }

    private static func condition(of report: EndpointReport, at now: Timestamp) -> AlertCondition? {
        let endpoint = report.endpoint
        let host = host(of: endpoint)
        if report.isStoppedByOthers {
            return AlertCondition(
                cause: .webhookDisabled, subject: endpoint.id.text, title: "The webhook to \(host) was stopped",
                advice: "\(endpoint.statusReason ?? "no reason is known"). Events are held until it is resumed.")
        }
        if let since = endpoint.outage.since, report.fallbackSince != nil, now - since >= failingPatience {
            return AlertCondition(
                cause: .webhookFailing, subject: endpoint.id.text,
                title: "The webhook to \(host) is out since \(since.rfc3339); its events go to its fallback",
                advice: "Look at the receiver. It is tried again each minute, and gets the events once it answers.")
        }
        guard report.isFailing, let since = report.failingSince, now - since >= failingPatience else { return nil }
        return AlertCondition(
            cause: .webhookFailing, subject: endpoint.id.text,
            title: "The webhook to \(host) has failed since \(since.rfc3339)",
            advice: "Look at its deliveries in the dashboard: they say what the receiver answers.")
    }

    private static func givenUp(
        at webhook: Attention.Webhook, isKnown: Bool, in tx: any Transaction
    ) throws -> AlertCondition? {
        let (report, endpoint) = (webhook.report, webhook.report.endpoint)
        // What fails altogether is told of as that.
        if report.isStoppedByOthers || report.isFailing && !isKnown { return nil }
        guard let last = try DeliveryIssues.lastFailure(of: endpoint.id, in: tx),
            last > max(webhook.after, tx.now - failedAge)
        else { return nil }
        return AlertCondition(
            cause: .deliveryFailed, subject: endpoint.id.text,
            title: "Deliveries to \(host(of: endpoint)) were given up",
            advice: "The dashboard tells why. Fix the cause, and replay them there.")
    }

    /// The path and what follows may hold a secret of the receiver.
    private static func host(of endpoint: Endpoint) -> String { (try? CallbackURL(endpoint.url).hostHeader) ?? "?" }

    private static func condition(of phone: Attention.Phone) -> AlertCondition? {
        guard let silent = phone.silentSince else { return nil }
        return AlertCondition(
            cause: .phoneOffline, subject: phone.number,
            title: "Phone \(phone.number) is offline since \(silent.rfc3339)",
            advice: "Nothing was heard of it. Look whether it is switched on, charged and has network.")
    }

    private func ofServer(at now: Timestamp) -> [AlertCondition] {
        let health = health()
        var conditions: [AlertCondition] = []
        if let free = health.freeBytes, free < Self.freeBytes {
            conditions.append(
                AlertCondition(
                    cause: .diskLow, subject: "", title: "The server's disk has \(free / 1_048_576) MiB left",
                    advice: "Below 64 MiB messages are refused. Make room, or shorten EVENT_RETENTION."))
        }
        if let trouble = health.filesTrouble {
            conditions.append(Self.ofFiles("Received MMS with files are refused", trouble))
        } else if let free = health.freeBytesOfFiles, free < Self.freeBytes,
            health.freeBytes.map({ $0 >= Self.freeBytes }) ?? true
        {
            // Told once where it is the disk of the store.
            conditions.append(
                Self.ofFiles(
                    "The disk of attachments has \(free / 1_048_576) MiB left",
                    "When it is full, received MMS with files are refused. Make room."))
        }
        if let until = health.certificateUntil, until - now < Self.certificateNotice {
            conditions.append(
                AlertCondition(
                    cause: .certificateExpires, subject: "", title: "The server's certificate ends at \(until.rfc3339)",
                    advice: "Renew it; the server reads the files again when they change."))
        }
        // Not believed is also the clock of a server that was away for long; that is nothing to tell.
        if !clocks.isBelieved, clocks.steps.forward > 0 {
            conditions.append(
                AlertCondition(
                    cause: .clockStep, subject: "", title: "The server's clock was set by more than an hour",
                    advice: "Check the time of the machine. Nothing is deleted for its age until it is believed again.")
            )
        }
        return conditions
    }

    private static func ofFiles(_ title: String, _ advice: String) -> AlertCondition {
        AlertCondition(cause: .diskLow, subject: "attachments", title: title, advice: advice)
    }

    /// One that fails for a moment is tried again anyway.
    static let failingPatience: Duration = .seconds(10 * 60)
    /// What was given up longer ago has been told.
    private static let failedAge: Duration = .seconds(3_600)
    private static let latePatience: Duration = .seconds(5 * 60)
    static let unsentMessages = 5
    /// 1 GiB, while a server refuses messages at 64 MiB: there is time to do something.
    static let freeBytes: Int64 = 1 << 30
    private static let certificateNotice: Duration = .seconds(14 * 86_400)
}
