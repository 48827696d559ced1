import Delivery
import Gateway
import Storage
import Timestamps

/// What needs somebody, as pages show it.
struct AttentionLines: Sendable {
    let isEmpty: Bool
    let phones: [Phone]
    let webhooks: [Webhook]
    let messages: [Unsent]
    let hasMessages: Bool
    /// How many messages there are.
    let messageCount: String
    /// How many of them are not among ``messages``; nil when all are.
    let moreMessages: String?
    /// Since when deliveries are late; nil when none is.
    let late: String?

    struct Phone: Sendable {
        let path: String
        let number: String
        let silence: String?
        /// Nil when it can be told of messages.
        let reach: ReachLine?
    }

    struct Webhook: Sendable {
        let path: String
        let id: String
        let url: String
        let status: String
        let reason: String?
        let issues: [IssueLine]
        /// How many events can be sent again; nil when none can.
        let failed: String?
        /// Where those are listed that failed and are tried again; nil when none is.
        let triedPath: String?
        /// Whether it has to be let go first.
        let isStopped: Bool
        /// How many events wait for it; nil when none does.
        let waiting: String?
    }

    struct Unsent: Sendable {
        let message: MessageLine
        let owner: String
        /// Why, and what to do.
        let sentence: String
        let id: String
        let once: String
    }

    init(_ attention: Attention, now: Timestamp) {
        isEmpty = attention.counts.total == 0
        phones = attention.phones.map { phone in
            let reach = ReachLine(phone.reach, id: phone.id, number: phone.number)
            return Phone(
                path: reach.path, number: reach.number,
                silence: phone.silentSince.map { "silent since \(PageTime.date($0))" },
                reach: phone.isUnreached ? reach : nil)
        }
        webhooks = attention.webhooks.map { Webhook($0) }
        messages = attention.messages.map { message in
            Unsent(
                message: MessageLine(message, now: now), owner: PageParty.number(message.owner),
                sentence: UnsentReason.text(message.status, message.failureReason), id: message.id.text,
                once: FormReceipts.token())
        }
        hasMessages = attention.counts.messages > 0
        messageCount = Figure.shown(Int64(attention.counts.messages))
        let left = attention.counts.messages - attention.messages.count
        moreMessages = left > 0 ? Figure.shown(Int64(left)) : nil
        late = attention.lateSince.map { Figure.shown(now - $0) }
    }
}

extension AttentionLines.Webhook {
    fileprivate init(_ webhook: Attention.Webhook) {
        let (report, endpoint) = (webhook.report, webhook.report.endpoint)
        let state = WebhookState(report)
        let failed = webhook.issues.map(\.failed).reduce(0, +)
        let path = "\(WebhookPages.path)/\(endpoint.id)"
        let isStopped = endpoint.status != .active
        // Issues say since when by themselves.
        let isExplained = report.isFailing && report.fallbackSince == nil && !webhook.issues.isEmpty
        let isRetried = webhook.issues.contains { $0.retried > 0 }
        self.init(
            path: path, id: endpoint.id.text, url: endpoint.url, status: state.status,
            reason: isExplained ? nil : state.reason, issues: webhook.issues.map { IssueLine($0, url: endpoint.url) },
            failed: failed == 0 ? nil : IssueLine.count(failed),
            triedPath: isRetried
                ? PageLink.to(path, isStopped ? ["status": "held", "tried": "true"] : ["status": DeliveryLine.trying])
                : nil,
            isStopped: isStopped,
            waiting: report.openCount == 0 ? nil : Figure.shown(report.openCount))
    }
}
