import Delivery
import HTTPSMSWebhooks
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// The whole table of ``MessageTransition``, without a server.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct MessageTransitionTests {
    private static let now = Timestamp(microseconds: 1_784_715_329_814_000)

    private static func message(
        _ status: MessageStatus, type: MessageType = .mobileTerminated, attempts: Int = 1, of maximum: Int = 2
    ) -> Message {
        var phone = Phone(id: PhoneID(at: now), userID: UserID("user"), phoneNumber: "+18005550199", at: now)
        phone.maxSendAttempts = maximum
        var message =
            type == .mobileTerminated
            ? Message(
                outgoing: MessageID(at: now), from: phone, to: "+18005550100", content: "Hi", requestID: nil,
                source: "/v1/messages/send", at: now)
            : Message(
                incoming: type, id: MessageID(at: now), userID: phone.userID, owner: phone.phoneNumber,
                contact: "+18005550100", content: "Hi", attachments: [], isEncrypted: false, sim: .sim1,
                timestamp: nil, notes: [], source: "/v1/messages/receive", at: now)
        message.status = status
        message.sendAttemptCount = attempts
        return message
    }

    /// Status by status: after SENT, DELIVERED, FAILED; nil where nothing changes.
    private static let reports: [MessageStatus: (MessageStatus?, MessageStatus?, MessageStatus?)] = [
        .pending: (.sent, .delivered, .failed),
        .scheduled: (.sent, .delivered, .failed),
        .sending: (.sent, .delivered, .failed),
        .sent: (nil, .delivered, .failed),
        .delivered: (nil, nil, nil),
        .failed: (nil, nil, nil),
        .expired: (.sent, .delivered, .failed),
        .received: (nil, nil, nil),
    ]

    @Test(arguments: MessageStatus.allCases) func reportsMoveAsTheTableSays(status: MessageStatus) throws {
        let (sent, delivered, failed) = try #require(Self.reports[status])
        let message = Self.message(status)
        for (report, result) in [
            (MessageReport.sent, sent), (.delivered, delivered), (.failed(reason: "NO_SERVICE"), failed),
        ] {
            let next = MessageTransition.message(
                message, after: report, at: Self.now + .seconds(2), now: Self.now + .seconds(9))

            #expect(next?.status == result, "\(report)")
            if let next {
                #expect(next.eventCount == message.eventCount + 1)
                #expect(next.plannedAt == nil && next.expiresAt == nil)
                #expect(next.orderTimestamp == Self.now + .seconds(2))
            }
        }
    }

    @Test(arguments: [MessageType.mobileOriginated, .missedCall], MessageStatus.allCases)
    func inboundMessagesNeverMove(type: MessageType, status: MessageStatus) {
        let message = Self.message(status, type: type)

        #expect(MessageTransition.message(message, after: .failed(reason: "x"), at: Self.now, now: Self.now) == nil)
    }

    @Test func theOrderNeverGoesBack() throws {
        let message = Self.message(.sending)

        let next = try #require(
            MessageTransition.message(message, after: .sent, at: Self.now - .seconds(60), now: Self.now + .seconds(9)))

        #expect(next.orderTimestamp == Self.now)
        #expect(next.sentAt == Self.now - .seconds(60))
        #expect(next.sendTime == .zero)
    }

    /// A phone's clock may be hours ahead, and a message that was planned for next week may fail today.
    @Test(arguments: [
        (MessageReport.sent, 3_600 as Int64, 0 as Int64), (.delivered, 86_400, 0),
        (.failed(reason: "x"), 0, 7 * 86_400),
        (.sent, 0, 7 * 86_400),
    ]) func whatSortsIsNeverLaterThanNow(report: MessageReport, ahead: Int64, planned: Int64) throws {
        var message = Self.message(.pending)
        message.orderTimestamp = Self.now + .seconds(planned)

        let next = try #require(
            MessageTransition.message(message, after: report, at: Self.now + .seconds(ahead), now: Self.now))

        #expect(next.orderTimestamp == Self.now)
    }

    @Test func theSendTimeOfDeliveryCountsOnlyWithoutSENT() throws {
        var message = Self.message(.sending)
        let later = Self.now + .seconds(9)
        let alone = try #require(MessageTransition.message(message, after: .delivered, at: later, now: later))
        message.sendTime = .seconds(1)
        let after = try #require(MessageTransition.message(message, after: .delivered, at: later, now: later))

        #expect(alone.sendTime == .seconds(9))
        #expect(after.sendTime == .seconds(1))
    }

    @Test(arguments: [
        (MessageStatus.pending, MessageStatus.scheduled, true), (.scheduled, .scheduled, true),
        (.sending, .sending, true), (.expired, .scheduled, true), (.sent, .sent, false),
        (.delivered, .delivered, false), (.failed, .failed, false), (.received, .received, false),
    ])
    func beingHandedOutIsAnAttempt(status: MessageStatus, result: MessageStatus, counts: Bool) {
        var message = Self.message(status, attempts: 0)
        message.plannedAt = Self.now + .seconds(1)

        let next = MessageTransition.handedOut(message, expiration: .seconds(600), at: Self.now + .seconds(2))

        #expect(next.status == result)
        #expect(next.plannedAt == nil)
        #expect(next.sendAttemptCount == (counts ? 1 : 0))
        #expect(next.expiresAt == (counts ? Self.now + .seconds(602) : nil))
        #expect(next.scheduledAt == (counts ? Self.now + .seconds(1) : nil))
    }

    @Test(arguments: [
        (1, 2, false), (2, 2, true), (3, 2, true), (1, 1, true), (4, 5, false), (5, 5, true),
    ])
    func theLastAttemptsExpiryIsFinal(attempts: Int, maximum: Int, isFinal: Bool) throws {
        let message = Self.message(.sending, attempts: attempts, of: maximum)

        let (next, wasFinal) = try #require(MessageTransition.expired(message, at: Self.now + .seconds(1)))

        #expect(wasFinal == isFinal)
        #expect(next.status == .expired)
        #expect(next.plannedAt == (isFinal ? nil : Self.now + .seconds(1)))
        #expect(next.expiresAt == nil)
    }

    @Test(arguments: [MessageStatus.sent, .delivered, .failed, .expired, .received])
    func whatIsOverDoesNotExpire(status: MessageStatus) {
        #expect(MessageTransition.expired(Self.message(status), at: Self.now) == nil)
    }
}
