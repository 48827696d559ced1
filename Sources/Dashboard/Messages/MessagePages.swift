import Delivery
import Gateway
import HTTPSMSWebhooks
import Hummingbird
import Storage
import Timestamps

/// One message: how it fared, what webhooks heard of it, sending it again and deleting it.
struct MessagePages: Sendable {
    let operations: MessageOperations
    let receipts: FormReceipts
    let views: PageViews

    /// Where a message is shown.
    static func path(of id: MessageID) -> String { "/messages/message/\(id)" }

    /// What events of messages from pages name as their source: the route whose rules they were sent by.
    static let sendSource = "/v1/messages/send"

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/messages/message/:messageID") { _, context in try await show(context) }
        group.post("/messages/message/:messageID/resend") { _, context in try await resend(context) }
        group.post("/messages/message/:messageID/delete") { _, context in try await delete(context) }
    }

    private struct Content {
        let message: MessageLine
        let path: String
        let threadPath: String?
        let once: String
        let problem: String?
        let id: String
        let owner: String
        let sim: String
        let direction: String
        let requestID: String?
        let batchPath: String?
        let attempts: String?
        let steps: [MessageStep]
        /// Why it was not sent, and what to do; nil when it was, or is on its way.
        let whyNot: String?
        /// What is to be done about its phone, while the message was not sent.
        let trouble: ReachLine?
        let canResend: Bool
        let deliveries: [DeliveryLine]
        let eventsPath: String
        /// Whether deliveries that are on their way make the page live.
        let hasOpen: Bool
    }

    private func show(_ context: SignedInContext, refusal: Refusal? = nil) async throws -> Response {
        let (id, userID) = (try context.id("messageID", of: MessageID.self), context.userID)
        let found = try await operations.store.read(.user(userID)) { [pushes = operations.pushes] tx in
            try MessageQueries.find(id, userID: userID, in: tx).map { message in
                (
                    message: try MessagePlanner.forecast(for: [message], in: tx).first ?? message,
                    thread: try MessageThreadQueries.find(
                        owner: message.owner, contact: message.contact, userID: userID, in: tx),
                    pushes: try PushQueries.outcomes(of: id, in: tx),
                    reach: try PhoneQueries.look(number: message.owner, userID: userID, in: tx).map {
                        ReachLine(try PhoneReach(of: $0, pushes: pushes, in: tx), of: $0)
                    },
                    deliveries: try DeliveryHistory.list(
                        message: id.text, userID: userID, limit: Self.deliveryCount, in: tx)
                )
            }
        }
        guard let (message, thread, pushes, reach, deliveries) = found else { throw PageError.notFound }
        let isOutgoing = message.type == .mobileTerminated
        let problems = PageProblems.all(refusal)
        let line = MessageLine(message, isWhole: true, now: operations.clock.now())
        let isBulk = message.batch != nil && message.batch == message.requestID
        return views.page(
            .message, "Message \(isOutgoing ? "to" : "from") \(PageParty.text(message.contact))",
            Content(
                message: line, path: Self.path(of: id), threadPath: thread.map { ThreadPages.path(of: $0.id) },
                once: FormReceipts.token(),
                problem: refusal.map { problems.values.flatMap(\.self).first ?? $0.message }, id: id.text,
                owner: PageParty.number(message.owner), sim: message.sim.rawValue,
                direction: isOutgoing ? "To" : "From",
                requestID: message.requestID,
                batchPath: isBulk ? message.batch.map(BulkPages.path) : nil,
                attempts: isOutgoing ? "\(message.sendAttemptCount) of \(message.maxSendAttempts)" : nil,
                steps: MessageStep.all(of: message, pushes: pushes),
                whyNot: line.isBad && message.plannedAt == nil
                    ? UnsentReason.text(message.status, message.failureReason) : nil,
                trouble: isOutgoing && [.pending, .scheduled, .expired, .failed].contains(message.status)
                    ? reach.flatMap { $0.isGood ? nil : $0 } : nil,
                canResend: Self.canResend(message),
                deliveries: deliveries.map(DeliveryLine.init),
                eventsPath: PageLink.to("/events", ["owner": message.owner]),
                hasOpen: line.isOpen || deliveries.contains { [.pending, .delivering].contains($0.status) }),
            context, status: refusal?.status ?? .ok)
    }

    private func resend(_ context: SignedInContext) async throws -> Response {
        let (id, userID) = (try context.id("messageID", of: MessageID.self), context.userID)
        let found = try await operations.store.read(.user(userID)) { tx in
            try MessageQueries.find(id, userID: userID, in: tx)
        }
        guard let message = found else { throw PageError.notFound }
        do {
            guard Self.canResend(message) else {
                throw Refusal(
                    .invalid, "Only a message that is not on its way any more can be sent again.")
            }
            let draft = MessageOperations.Draft(again: message)
            try draft.check(at: operations.clock.now())
            let sent = try await operations.send(
                draft, userID: userID, source: Self.sendSource, receipt: receipts.receipt(of: context))
            // The new one is looked after in its place.
            try await operations.store.write(.user(userID)) { tx in
                try AttentionQueries.settle(.message(id), of: userID, in: tx)
            }
            return .seeOther(try await origin(context, message) ?? Self.path(of: sent.id))
        } catch is Replayed {
            // The first of two clicks sent it: the newest message of the conversation.
            if let origin = try await origin(context, message) { return .seeOther(origin) }
            return .seeOther(try await thread(of: message))
        } catch let refusal as Refusal where refusal.kind == .invalid {
            return try await show(context, refusal: refusal)
        }
    }

    /// Where the form was that sends a message again; nil when that was the message's own page.
    private func origin(_ context: SignedInContext, _ message: Message) async throws -> String? {
        switch context.form.text("from") {
        case "attention": PageNotice.sent.at(AttentionPages.path)
        case "conversation": PageNotice.sent.at(try await thread(of: message))
        default: nil
        }
    }

    private func delete(_ context: SignedInContext) async throws -> Response {
        let (id, userID) = (try context.id("messageID", of: MessageID.self), context.userID)
        let found = try await operations.store.read(.user(userID)) { tx in
            try MessageQueries.find(id, userID: userID, in: tx)
        }
        guard let message = found, try await operations.delete(id, userID: userID) else { throw PageError.notFound }
        return .seeOther(try await thread(of: message), .deleted)
    }

    private func thread(of message: Message) async throws -> String {
        try await ThreadPages.path(
            owner: message.owner, contact: message.contact, userID: message.userID, in: operations.store)
    }

    private static func canResend(_ message: Message) -> Bool {
        message.type == .mobileTerminated && message.plannedAt == nil
            && [.sent, .delivered, .failed, .expired].contains(message.status)
    }

    /// All types of events to ten webhooks at most, of which one message causes a few.
    private static let deliveryCount = 50
}
