import Foundation
import Gateway
import Timestamps

/// A message as lists and conversations show it.
struct MessageLine: Sendable {
    let path: String
    /// The other party with the number.
    let party: String
    /// The other party by name.
    let contact: String
    /// The number of our phone.
    let owner: String
    let content: String
    /// How long the text is, where only its beginning is here: all of it is at `path`. Nil otherwise.
    let wholeSize: String?
    let isMissedCall: Bool
    let isEncrypted: Bool
    let isOutgoing: Bool
    let attachments: [AttachmentLink]
    let clock: String
    /// The whole time.
    let time: String
    /// As much of the time as tells it from now.
    let brief: String
    /// Set where a new day begins.
    let day: String?
    /// As a class of the style sheet.
    let status: String
    /// The same for people.
    let words: String
    /// Whether it was not sent, and can be sent again.
    let canResend: Bool
    /// When the same was sent again; nil when it was not, or nothing tells.
    let resentAt: String?
    /// For the form that does so; nil when there is none.
    let once: String?
    /// Whether somebody should look at it.
    let isBad: Bool
    let reason: String?
    /// Where it is changed while it waits for a time of its own; nil when it does not.
    let plannedPath: String?
    /// When it is to be sent, where that is not about now.
    let plan: String?
    /// Whether it changes soon without anybody doing something.
    let isOpen: Bool

    /// - Parameters:
    ///   - message: The message.
    ///   - isNewDay: Whether it is shown with its day.
    ///   - isWhole: Whether all of a long text is shown, as on the message's own page.
    ///   - resentAt: When the same was sent again; nil when it was not.
    ///   - now: The present.
    init(
        _ message: Message, isNewDay: Bool = false, isWhole: Bool = false, resentAt: Timestamp? = nil, now: Timestamp
    ) {
        let shown = message.orderTimestamp
        let text = isWhole ? nil : ShownText(message.content)
        path = MessagePages.path(of: message.id)
        party = PageParty.full(message.contact)
        contact = PageParty.name(message.contact)
        owner = PageParty.number(message.owner)
        content = text?.text ?? message.content
        wholeSize = text?.wholeSize
        isMissedCall = message.type == .missedCall
        isEncrypted = message.isEncrypted
        isOutgoing = message.type == .mobileTerminated
        attachments = message.attachments.enumerated().map { AttachmentLink($1, number: $0 + 1, of: message) }
        clock = PageTime.clock(shown)
        time = PageTime.exact(shown)
        brief = PageTime.brief(shown)
        self.day = isNewDay ? PageTime.day(shown) : nil
        status = message.status.rawValue
        words =
            message.isPlanned
            ? "planned"
            : message.plannedAt != nil && message.sendAttemptCount > 0
                ? "\(message.status.words), tried again" : message.status.words
        isBad = Self.unsent.contains(message.status)
        let isUnsent = isBad && message.plannedAt == nil
        canResend = isUnsent && resentAt == nil
        self.resentAt = isUnsent ? resentAt.map(PageTime.shown) : nil
        reason =
            isUnsent ? UnsentReason.text(message.status, message.failureReason) : message.failureReason
        once = canResend ? FormReceipts.token() : nil
        plannedPath = message.isPlanned ? "\(PlannedPages.path)/\(message.id)" : nil
        let isLater = message.plannedAt.map { $0 - now > Self.soon } ?? false
        plan = isLater ? message.plannedAt.map(PageTime.date) : nil
        isOpen = [.pending, .scheduled, .sending].contains(message.status) && !isLater
    }

    /// The messages of a conversation, the oldest first.
    static func conversation(_ messages: [Message], _ times: PageTimes) -> [MessageLine] {
        let outgoing = messages.filter { $0.type == .mobileTerminated && !$0.isPlanned }
        let said = Dictionary(grouping: outgoing, by: Said.init)
        return messages.enumerated().map { index, message in
            let isSameDay = index > 0 && times.isSameDay(messages[index - 1].orderTimestamp, message.orderTimestamp)
            return MessageLine(
                message, isNewDay: !isSameDay, resentAt: resentAt(message, in: said[Said(message)] ?? []),
                now: times.now)
        }
    }

    /// When what `message` could not say was sent once more: another one of `same`, which all say it, was made later. Nil for none.
    private static func resentAt(_ message: Message, in same: [Message]) -> Timestamp? {
        guard message.type == .mobileTerminated, unsent.contains(message.status) else { return nil }
        let again = same.first { other in
            if other.createdAt == message.createdAt { return !unsent.contains(other.status) }
            return other.createdAt > message.createdAt
        }
        return again?.createdAt
    }

    /// What a message says.
    private struct Said: Hashable {
        let content: String
        let attachments: [String]

        init(_ message: Message) { (content, attachments) = (message.content, message.attachments) }
    }

    private static let unsent: [MessageStatus] = [.failed, .expired]

    /// What is planned further ahead is shown with its time, and not waited for.
    private static let soon: Duration = .seconds(60)
}

/// A file of a message.
struct AttachmentLink: Sendable {
    let name: String
    /// Where it is; nil for what no browser should be sent to.
    let url: String?
    /// Where a picture can be shown from: only files that are kept here, as a page loads nothing from elsewhere.
    let image: String?

    init(_ url: String, number: Int, of message: Message) {
        // The file is on this server, under whatever name this browser has it.
        let kept = "/v1/attachments/\(message.userID)/\(message.id)/"
        let local = url.range(of: kept).map { String(url[$0.lowerBound...]) }
        let isWeb = url.hasPrefix("https://") || url.hasPrefix("http://")
        self.url = local ?? (isWeb ? url : nil)
        let last = url.split(separator: "/").last.map(String.init) ?? ""
        name = local == nil ? url : "Attachment \(number) (\(last.split(separator: ".").last ?? ""))"
        let isImage = ["jpg", "png", "gif", "webp", "bmp"].contains { last.hasSuffix(".\($0)") }
        image = isImage ? local : nil
    }
}

/// A conversation in a list.
struct ThreadLine: Sendable {
    let path: String
    /// The other party with the number.
    let party: String
    /// The number of our phone.
    let owner: String
    let content: String
    /// Whether the content is what we wrote.
    let isOurs: Bool
    let isUnread: Bool
    let status: String
    let isBad: Bool
    let brief: String
    let time: String
    /// Who looks after it; nil for nobody.
    let assignee: String?

    init(_ thread: MessageThread, assignee: String? = nil) {
        self.assignee = assignee
        path = ThreadPages.path(of: thread.id)
        party = PageParty.full(thread.contact)
        owner = PageParty.number(thread.owner)
        content = ShownText(thread.recentContent ?? "").text
        isOurs = thread.recentStatus != .received
        isUnread = !thread.isRead
        status = thread.recentStatus.rawValue
        isBad = [.failed, .expired].contains(thread.recentStatus)
        brief = PageTime.brief(thread.recentAt)
        time = PageTime.exact(thread.recentAt)
    }
}
